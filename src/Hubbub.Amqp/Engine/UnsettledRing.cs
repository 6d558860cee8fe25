using System.Numerics;
using System.Runtime.CompilerServices;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// Unsettled deliveries of one session and direction in the order of their ids, which may wrap around and may leave
/// gaps. Adding, finding and settling are O(1) while ids are dense (else O(log n)), a range costs what it overlaps,
/// and memory follows what is unsettled, never the distance between ids: that is the peer's choice.
/// </summary>
internal sealed class UnsettledRing
{
    private const int InitialCapacity = 16;

    /// <summary>Above it, an array is given back when nothing is unsettled any more.</summary>
    private const int KeptCapacityMax = 4_096;

    private readonly int _countMax;
    private Entry[] _entries = [];
    private int _head;
    private int _span;
    private bool _wasFull;

    /// <summary>As <see cref="Entry.Told"/>, of deliveries behind the last slot.</summary>
    private ToldOutcomes _toldBehind;

    public UnsettledRing(int countMax) => _countMax = countMax;

    /// <summary>One delivery; <see cref="Link"/> is null once it is settled.</summary>
    public struct Entry
    {
        public AmqpLink? Link;
        public object? Token;
        public ulong TagKey;
        public uint Id;

        /// <summary>Received, rcv-settle-mode second: the outcome was told, and the sender has yet to settle.</summary>
        public bool IsTold;

        /// <summary>
        /// What was told of deliveries that no slot is left of, between the slot before and this one; and of this
        /// one's delivery, once it is settled.
        /// </summary>
        public ToldOutcomes Told;
    }

    /// <summary>Outcomes that the sender of a delivery was told.</summary>
    [Flags]
    public enum ToldOutcomes : byte
    {
        None = 0,
        Accepted = 1,
        Others = 2,
    }

    /// <summary>Unsettled deliveries.</summary>
    public int Count { get; private set; }

    /// <summary>True when no more may be added.</summary>
    public bool IsFull => Count >= _countMax;

    /// <summary>Slots in use, settled deliveries between unsettled ones included.</summary>
    public int Span => _span;

    internal int Capacity => _entries.Length;

    /// <summary>Adds a delivery whose id comes after all others.</summary>
    /// <returns>False when it does not, or when the ring is full.</returns>
    public bool TryAdd(uint id, AmqpLink link, object? token, ulong tagKey)
    {
        if (IsFull)
            return false;
        if (_span > 0
            && (SequenceNumber.Distance(id, At(_span - 1).Id) <= 0 || SequenceNumber.Distance(id, At(0).Id) < 0))
        {
            return false;
        }
        if (_span == _entries.Length)
            MakeRoom();
        At(_span++) = new Entry { Link = link, Token = token, TagKey = tagKey, Id = id, Told = _toldBehind };
        _toldBehind = ToldOutcomes.None;
        Count++;
        _wasFull |= IsFull;
        if (link.UnsettledCount++ == 0)
            link.UnsettledFrom = id;
        return true;
    }

    /// <summary>
    /// True once after the ring was full and has room again; a little more than one, for whoever waited looks then.
    /// </summary>
    public bool TakeHasRoomAgain()
    {
        if (!_wasFull || Count > _countMax - Math.Max(1, _countMax / 64))
            return false;
        _wasFull = false;
        return true;
    }

    /// <summary>The unsettled delivery with this id, or a null reference.</summary>
    public ref Entry Find(uint id)
    {
        var index = IndexOf(id);
        if (index >= _span)
            return ref Unsafe.NullRef<Entry>();
        ref var entry = ref At(index);
        if (entry.Id != id || entry.Link is null)
            return ref Unsafe.NullRef<Entry>();
        return ref entry;
    }

    /// <summary>The first unsettled delivery from <paramref name="first"/> to <paramref name="last"/>.</summary>
    /// <returns>A null reference when there is none.</returns>
    public ref Entry FindFirst(uint first, uint last)
    {
        if (_span > 0)
        {
            var oldest = At(0).Id;
            var end = SequenceNumber.Distance(last, oldest);
            for (var index = IndexOf(first); index < _span; index++)
            {
                ref var entry = ref At(index);
                if (SequenceNumber.Distance(entry.Id, oldest) > end)
                    break;
                if (entry.Link is not null)
                    return ref entry;
            }
        }
        return ref Unsafe.NullRef<Entry>();
    }

    /// <summary>Forgets a delivery that this ring gave; references into the ring are stale afterwards.</summary>
    public void Remove(ref Entry entry)
    {
        Forget(ref entry);
        Trim();
    }

    /// <summary>
    /// Forgets a delivery and leaves its slot where it is, so that a walk by index goes on; <see cref="Trim"/> ends it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Forget(ref Entry entry)
    {
        entry.Link!.UnsettledCount--;
        entry.Link = null;
        entry.Token = null;
        Count--;
    }

    /// <summary>Forgets the deliveries of a link, at a cost that follows the link's own share.</summary>
    public void RemoveAll(AmqpLink link)
    {
        if (link.UnsettledCount == 0)
            return;
        for (var index = IndexOf(link.UnsettledFrom); link.UnsettledCount > 0; index++)
        {
            ref var entry = ref At(index);
            if (entry.Link == link)
                Forget(ref entry);
        }
        Trim();
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        for (var index = 0; Count > 0 && index < _span; index++)
        {
            if (At(index).Link is { } link)
                link.UnsettledCount = 0;
        }
        if (Count > 0 || _entries.Length > KeptCapacityMax)
            _entries = [];
        (_head, _span, Count, _toldBehind) = (0, 0, 0, ToldOutcomes.None);
    }

    /// <summary>
    /// The slot at an index from 0 to <see cref="Span"/>; settled ones are there too, without a link.
    /// </summary>
    public ref Entry this[int index] => ref At(index);

    /// <summary>
    /// The index of the first slot whose id is not before this one; <see cref="Span"/> when there is none.
    /// </summary>
    public int IndexOf(uint id)
    {
        if (_span == 0)
            return 0;
        var oldest = At(0).Id;
        var distance = SequenceNumber.Distance(id, oldest);
        if (distance <= 0)
            return 0;
        if (distance < _span && At(distance).Id == id)
            return distance;
        // Ids are distinct and ascend, so none can stand further back than its distance from the oldest.
        var (low, high) = (0, Math.Min(distance, _span));
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (SequenceNumber.Distance(At(middle).Id, oldest) < distance)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Entry At(int index) => ref _entries[(_head + index) & (_entries.Length - 1)];

    /// <summary>Drops settled slots, where that is cheap or has to be.</summary>
    public void Trim()
    {
        if (Count == 0)
        {
            Clear();
            return;
        }
        while (At(0).Link is null)
        {
            _head = (_head + 1) & (_entries.Length - 1);
            _span--;
        }
        // Settled slots between unsettled ones are skipped by every range, so they may not outnumber them for long.
        if (_span > InitialCapacity && Count < _span / 4)
            Compact();
    }

    private void MakeRoom()
    {
        if (_span > 0 && Count <= _span / 2)
        {
            Compact();
            return;
        }
        var grown = new Entry[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(_span + 1, InitialCapacity))];
        for (var index = 0; index < _span; index++)
            grown[index] = At(index);
        (_entries, _head) = (grown, 0);
    }

    private void Compact()
    {
        var kept = 0;
        var told = ToldOutcomes.None;
        for (var index = 0; index < _span; index++)
        {
            ref var entry = ref At(index);
            told |= entry.Told;
            if (entry.Link is null)
                continue;
            entry.Told = told;
            told = ToldOutcomes.None;
            if (kept != index)
                At(kept) = entry;
            kept++;
        }
        _toldBehind |= told;
        for (var index = kept; index < _span; index++)
            At(index) = default;
        _span = kept;
    }
}
