using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hubbub.Core.Identities.Records;

/// <summary>
/// Records by key (ASCII text) and by number. Numbers are dense: that of a removed record is given again. Changes are
/// for one thread at a time (<see cref="IdentityIndex"/> has the lock); <see cref="Find"/> needs no lock and does not
/// allocate.
/// </summary>
/// <remarks>
/// A hash table with open addressing, whose slots hold 32 bits of hash and a number, and addresses by number. Why
/// readers need no lock: within one array of slots a slot never becomes empty again, so a probe cannot miss what was
/// there all along; a slot whose record has changed hands is told by the key, which is always compared; a record's
/// bytes are complete before its address is seen and never change after.
/// </remarks>
internal sealed class RecordTable
{
    private const int PageBits = 12;
    private const int PageLength = 1 << PageBits;
    private const int SlotsMin = 64;
    private const long Tombstone = 1L << 32; // No number, but not empty.
    private const int KeyOffset = RecordArena.HeaderLength + sizeof(ushort);

    private readonly RecordArena _arena = new();
    private readonly Stack<int> _freeNumbers = new();
    private long[] _slots = new long[SlotsMin];
    private long[][] _addresses = [];
    private int _usedSlots; // Tombstones too.
    private int _numberEnd;

    /// <summary>How many records there are.</summary>
    public int Count { get; private set; }

    /// <summary>Numbers in use: those of records, and those reserved for one.</summary>
    public int NumbersInUse => _numberEnd - _freeNumbers.Count;

    /// <summary>One above the highest number that was ever given.</summary>
    public int NumberEnd => _numberEnd;

    /// <summary>The record of a key with its header, and its number; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Find(ReadOnlySpan<char> key, out int number)
    {
        var hash = (uint)string.GetHashCode(key);
        var slots = Volatile.Read(ref _slots);
        for (var i = hash & (uint)(slots.Length - 1); ; i = (i + 1) & (uint)(slots.Length - 1))
        {
            var slot = Volatile.Read(ref slots[i]);
            if (slot == 0)
            {
                number = -1;
                return default;
            }
            if ((uint)(slot >> 32) != hash || (uint)slot == 0)
                continue;
            number = (int)(uint)slot - 1;
            var record = this[number];
            if (!record.IsEmpty && Ascii.Equals(KeyOf(record.Span), key))
                return record;
        }
    }

    /// <summary>The record of a number; empty when it has none.</summary>
    public ReadOnlyMemory<byte> this[int number]
    {
        get
        {
            while (true)
            {
                var pages = Volatile.Read(ref _addresses);
                var page = number >> PageBits;
                var address = page < pages.Length ? Volatile.Read(ref pages[page][number & (PageLength - 1)]) : 0;
                if (address == 0)
                    return default;
                var record = _arena.Read(address);
                if (!record.IsEmpty)
                    return record; // Else it was moved between the two reads.
            }
        }
    }

    /// <summary>The key in a record.</summary>
    public static ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> record) =>
        record.Slice(KeyOffset, BinaryPrimitives.ReadUInt16LittleEndian(record[RecordArena.HeaderLength..]));

    /// <summary>What follows the key in a record.</summary>
    public static ReadOnlyMemory<byte> PayloadOf(ReadOnlyMemory<byte> record) =>
        record[(KeyOffset + BinaryPrimitives.ReadUInt16LittleEndian(record.Span[RecordArena.HeaderLength..]))..];

    /// <summary>A number for a record that is about to be stored.</summary>
    public int Reserve()
    {
        if (_freeNumbers.TryPop(out var number))
            return number;
        EnsurePage(_numberEnd);
        return _numberEnd++;
    }

    /// <summary>Gives back a reserved number that was not used.</summary>
    public void Release(int number) => _freeNumbers.Push(number);

    /// <summary>Adds the record of a reserved number, or replaces the one it has, of the same key.</summary>
    /// <param name="record">With room for the header, which is filled in here, before the key.</param>
    public void Put(int number, Span<byte> record)
    {
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], number);
        ref var address = ref AddressOf(number);
        var before = address;
        var beforeLength = before == 0 ? 0 : _arena.Read(before).Length;
        Volatile.Write(ref address, _arena.Append(record));
        if (before == 0)
            AddSlot(HashOf(record), number);
        else
            Discard(before, beforeLength);
    }

    /// <summary>Makes room for so many records in all.</summary>
    public void EnsureRoom(int count)
    {
        if (count * 10L > _slots.Length * 7L)
            Rehash(count);
    }

    /// <summary>Adds a record that was stored under <paramref name="number"/>; numbers come in rising order.</summary>
    /// <returns>False when the number is not above the one before, or the key is taken.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A start is over before the JIT would do it by itself.
    public bool TryLoad(int number, Span<byte> record)
    {
        if (number < _numberEnd)
            return false;
        while (_numberEnd < number)
        {
            EnsurePage(_numberEnd);
            _freeNumbers.Push(_numberEnd++);
        }
        EnsurePage(number);
        _numberEnd++;
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], number);
        var hash = HashOf(record);
        if (HasKey(hash, KeyOf(record)))
            return false;
        AddressOf(number) = _arena.Append(record);
        AddSlot(hash, number);
        return true;
    }

    /// <summary>Removes a record; its number may be given again.</summary>
    public void Remove(int number)
    {
        ref var address = ref AddressOf(number);
        var before = address;
        var record = _arena.Read(before).Span;
        RemoveSlot(HashOf(record), number);
        Volatile.Write(ref address, 0);
        _freeNumbers.Push(number);
        Discard(before, record.Length);
    }

    private void Discard(long address, int length)
    {
        if (_arena.Discard(address, length) is >= 0 and var chunk)
            _arena.Empty(chunk, Move);
    }

    private void Move(long from, ReadOnlyMemory<byte> record)
    {
        ref var address = ref AddressOf(BinaryPrimitives.ReadInt32LittleEndian(record.Span[4..]));
        if (address == from)
            Volatile.Write(ref address, _arena.Append(record.Span));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddSlot(uint hash, int number)
    {
        if ((_usedSlots + 1) * 10L > _slots.Length * 7L)
            Rehash(Count + 1);
        Insert(_slots, hash, number);
        _usedSlots++;
        Count++;
    }

    private void RemoveSlot(uint hash, int number)
    {
        var slot = ((long)hash << 32) | (uint)(number + 1);
        var i = hash & (uint)(_slots.Length - 1);
        while (_slots[i] != slot)
            i = (i + 1) & (uint)(_slots.Length - 1);
        Volatile.Write(ref _slots[i], Tombstone);
        Count--;
    }

    /// <summary>Room to spare, and no tombstones; readers may go on with the array before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rehash(int count)
    {
        var length = SlotsMin;
        while (length * 7L < count * 10L || length < Count * 2L)
            length *= 2;
        var slots = new long[length];
        foreach (var slot in _slots)
        {
            if ((uint)slot != 0)
                Insert(slots, (uint)(slot >> 32), (int)(uint)slot - 1);
        }
        _usedSlots = Count;
        Volatile.Write(ref _slots, slots);
    }

    private static void Insert(long[] slots, uint hash, int number)
    {
        var i = hash & (uint)(slots.Length - 1);
        while (slots[i] != 0)
            i = (i + 1) & (uint)(slots.Length - 1);
        Volatile.Write(ref slots[i], ((long)hash << 32) | (uint)(number + 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool HasKey(uint hash, ReadOnlySpan<byte> key)
    {
        for (var i = hash & (uint)(_slots.Length - 1); _slots[i] != 0; i = (i + 1) & (uint)(_slots.Length - 1))
        {
            if ((uint)(_slots[i] >> 32) == hash && (uint)_slots[i] != 0
                && KeyOf(this[(int)(uint)_slots[i] - 1].Span).SequenceEqual(key))
                return true;
        }
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint HashOf(ReadOnlySpan<byte> record)
    {
        var key = KeyOf(record);
        Span<char> text = stackalloc char[key.Length];
        return (uint)string.GetHashCode(text[..Encoding.UTF8.GetChars(key, text)]);
    }

    private ref long AddressOf(int number) => ref _addresses[number >> PageBits][number & (PageLength - 1)];

    private void EnsurePage(int number)
    {
        var page = number >> PageBits;
        if (page < _addresses.Length)
            return;
        var pages = new long[page + 1][];
        _addresses.CopyTo(pages, 0);
        pages[page] = new long[PageLength];
        Volatile.Write(ref _addresses, pages);
    }
}
