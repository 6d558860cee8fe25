namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// Deliveries of one link that wait for their commit, in order, an entry per commit: however many events a commit
/// holds, they are settled by one disposition.
/// </summary>
internal sealed class PendingCommits
{
    private const int InitialCapacity = 4;
    private Entry[] _entries = [];
    private int _head;
    private int _count;

    /// <summary>The deliveries of one commit.</summary>
    /// <param name="Commit">The commit's number.</param>
    /// <param name="FirstId">The first delivery-id.</param>
    /// <param name="LastId">The last delivery-id; ids in between may be settled already.</param>
    /// <param name="Deliveries">How many deliveries there are.</param>
    /// <param name="Settled">How many of them came settled and want no disposition.</param>
    public readonly record struct Entry(long Commit, uint FirstId, uint LastId, int Deliveries, int Settled);

    /// <summary>True when every delivery has been taken out again.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Notes a delivery whose events belong to a commit.</summary>
    public void Add(long commit, uint deliveryId, bool settled)
    {
        var one = settled ? 1 : 0;
        if (_count > 0)
        {
            ref var tail = ref _entries[(_head + _count - 1) & (_entries.Length - 1)];
            if (tail.Commit == commit)
            {
                tail = new Entry(commit, tail.FirstId, deliveryId, tail.Deliveries + 1, tail.Settled + one);
                return;
            }
        }
        if (_count == _entries.Length)
            Grow();
        _entries[(_head + _count++) & (_entries.Length - 1)] = new Entry(commit, deliveryId, deliveryId, 1, one);
    }

    /// <summary>Takes the oldest entry if its commit is done.</summary>
    public bool TryTake(long committedThrough, out Entry entry)
    {
        entry = default;
        if (_count == 0)
            return false;
        entry = _entries[_head];
        if (entry.Commit > committedThrough)
            return false;
        _head = (_head + 1) & (_entries.Length - 1);
        _count--;
        return true;
    }

    private void Grow()
    {
        var grown = new Entry[Math.Max(InitialCapacity, _entries.Length * 2)];
        for (var i = 0; i < _count; i++)
            grown[i] = _entries[(_head + i) & (_entries.Length - 1)];
        (_entries, _head) = (grown, 0);
    }
}
