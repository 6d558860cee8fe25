using System.Numerics;
using System.Runtime.CompilerServices;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// Unsettled deliveries of one session and direction, indexed by delivery-id: adding, finding and settling are O(1),
/// a range costs its overlap with what is unsettled, and ids may wrap around and may leave gaps.
/// </summary>
internal sealed class UnsettledRing
{
    private const int InitialCapacity = 16;
    private readonly int _spanMax;
    private Entry[] _entries = [];
    private uint _first;
    private int _span;

    public UnsettledRing(int spanMax) => _spanMax = spanMax;

    /// <summary>One delivery; <see cref="Link"/> is null in a gap and after settlement.</summary>
    public struct Entry
    {
        public AmqpLink? Link;
        public object? Token;
        public ulong TagKey;
    }

    /// <summary>The oldest id that may be unsettled.</summary>
    public uint First => _first;

    /// <summary>Ids from <see cref="First"/> on that the ring covers.</summary>
    public int Span => _span;

    /// <summary>Unsettled deliveries.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a delivery whose id is not before any other.</summary>
    /// <returns>False when the ring would cover more ids than it may.</returns>
    public bool TryAdd(uint id, AmqpLink link, object? token, ulong tagKey)
    {
        if (_span == 0)
            _first = id;
        var index = SequenceNumber.Distance(id, _first);
        if (index < _span || index >= _spanMax)
            return false;
        if (index >= _entries.Length)
            Grow(index + 1);
        ref var entry = ref Slot(id);
        entry.Link = link;
        entry.Token = token;
        entry.TagKey = tagKey;
        _span = index + 1;
        Count++;
        return true;
    }

    /// <summary>The entry of an id, or a null reference when the ring does not cover it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Entry Find(uint id)
    {
        if ((uint)SequenceNumber.Distance(id, _first) >= (uint)_span)
            return ref Unsafe.NullRef<Entry>();
        return ref Slot(id);
    }

    /// <summary>Forgets a delivery that <see cref="Find"/> gave.</summary>
    public void Remove(ref Entry entry)
    {
        entry = default;
        Count--;
        if (Count == 0)
        {
            _span = 0;
            return;
        }
        // The oldest ids are dropped as soon as they are settled, so that the span stays as short as the work open.
        while (_span > 0 && Slot(_first).Link is null)
        {
            _first = unchecked(_first + 1);
            _span--;
        }
    }

    /// <summary>Clips a range of ids to what the ring covers; the result may be empty.</summary>
    /// <returns>How many ids from <paramref name="start"/> on lie within the range.</returns>
    public int Clip(uint first, uint last, out uint start)
    {
        var from = Math.Max(0, SequenceNumber.Distance(first, _first));
        var to = Math.Min(_span - 1, SequenceNumber.Distance(last, _first));
        start = unchecked(_first + (uint)from);
        return Math.Max(0, to - from + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Entry Slot(uint id) => ref _entries[id & (uint)(_entries.Length - 1)];

    private void Grow(int needed)
    {
        var capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(needed, InitialCapacity));
        var grown = new Entry[capacity];
        for (var i = 0; i < _span; i++)
        {
            var id = unchecked(_first + (uint)i);
            grown[id & (uint)(capacity - 1)] = Slot(id);
        }
        _entries = grown;
    }
}
