using System.Runtime.CompilerServices;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// Objects under small numbers (channels, handles) of which the peer chooses some. Kept in pages, so that one object
/// under the highest number that is allowed costs a few hundred bytes and not the whole table.
/// </summary>
internal struct SlotTable<T>
    where T : class
{
    private const int PageBits = 4;
    private const int PageSize = 1 << PageBits;
    private T?[]?[] _pages;
    private int _lowestFree;

    public SlotTable() => _pages = [];

    /// <summary>Objects in the table.</summary>
    public int Count { get; private set; }

    /// <summary>Every number in use is below it.</summary>
    public readonly uint Capacity => (uint)_pages.Length << PageBits;

    /// <summary>The object under a number, or null.</summary>
    public readonly T? this[uint number]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            var pages = _pages;
            var page = number >> PageBits;
            return page < (uint)pages.Length && pages[page] is { } slots ? slots[number & (PageSize - 1)] : null;
        }
    }

    /// <summary>The lowest number that is not in use.</summary>
    public uint LowestFree()
    {
        while (this[(uint)_lowestFree] is not null)
            _lowestFree++;
        return (uint)_lowestFree;
    }

    /// <summary>Puts an object under a number that is not in use.</summary>
    public void Add(uint number, T value)
    {
        var page = (int)(number >> PageBits);
        if (page >= _pages.Length)
            Array.Resize(ref _pages, page == 0 ? 1 : Math.Max(page + 1, Math.Min(_pages.Length * 2, page + 64)));
        (_pages[page] ??= new T?[PageSize])[number & (PageSize - 1)] = value;
        Count++;
    }

    /// <summary>Takes an object away, if it is the one under this number.</summary>
    /// <returns>False when it is not.</returns>
    public bool Remove(uint number, T value)
    {
        if (!ReferenceEquals(this[number], value))
            return false;
        _pages[number >> PageBits]![number & (PageSize - 1)] = null;
        _lowestFree = Math.Min(_lowestFree, (int)number);
        Count--;
        return true;
    }

    /// <summary>Takes everything away.</summary>
    public void Clear() => this = new SlotTable<T>();

    /// <summary>The objects, in the order of their numbers; the table may change meanwhile.</summary>
    public readonly IEnumerable<T> Values()
    {
        var pages = _pages;
        foreach (var page in pages)
        {
            if (page is null)
                continue;
            foreach (var value in page)
            {
                if (value is not null)
                    yield return value;
            }
        }
    }
}
