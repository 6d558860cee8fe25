using Hubbub.Core;
using Hubbub.Server.Routing;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// Deliveries of one link that wait for their commits, in order, an entry per commit: however many events a commit
/// holds, they are settled by one disposition. A delivery that went to several streams waits for all of them, one that
/// went to none for nothing.
/// </summary>
internal sealed class PendingCommits
{
    private const int InitialCapacity = 4;
    private Entry[] _entries = [];
    private int _head;
    private int _count;

    /// <summary>The deliveries of one commit, or of the same commits of several streams.</summary>
    /// <param name="First">The commit; of no lane when there is none to wait for.</param>
    /// <param name="More">The commits of further streams; null for none.</param>
    /// <param name="FirstId">The first delivery-id.</param>
    /// <param name="LastId">The last delivery-id; ids in between may be settled already.</param>
    /// <param name="Deliveries">How many deliveries there are.</param>
    /// <param name="Settled">How many of them came settled and want no disposition.</param>
    public readonly record struct Entry(
        LaneCommit First, LaneCommit[]? More, uint FirstId, uint LastId, int Deliveries, int Settled)
    {
        public bool IsDone
        {
            get
            {
                if (First.Lane is null)
                    return true;
                if (!First.IsDone)
                    return false;
                foreach (var commit in More ?? [])
                {
                    if (!commit.IsDone)
                        return false;
                }
                return true;
            }
        }

        /// <summary>Why one of the commits was refused; null when all are on stable storage.</summary>
        public HubError? Failure()
        {
            if (First.Lane is null)
                return null;
            var failure = First.Lane.FailureOf(First.Commit);
            foreach (var commit in More ?? [])
                failure ??= commit.Lane.FailureOf(commit.Commit);
            return failure;
        }

        public bool WaitsFor(ReadOnlySpan<LaneCommit> commits) => commits.Length switch
        {
            0 => First.Lane is null,
            1 => More is null && First == commits[0],
            _ => More is not null && First == commits[0] && commits[1..].SequenceEqual(More),
        };
    }

    /// <summary>True when every delivery has been taken out again.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Notes a delivery whose events belong to some commits.</summary>
    public void Add(ReadOnlySpan<LaneCommit> commits, uint deliveryId, bool settled)
    {
        var one = settled ? 1 : 0;
        if (_count > 0)
        {
            ref var tail = ref _entries[(_head + _count - 1) & (_entries.Length - 1)];
            if (tail.WaitsFor(commits))
            {
                tail =
                    tail with { LastId = deliveryId, Deliveries = tail.Deliveries + 1, Settled = tail.Settled + one };
                return;
            }
        }
        if (_count == _entries.Length)
            Grow();
        _entries[(_head + _count++) & (_entries.Length - 1)] = new Entry(
            commits.IsEmpty ? default : commits[0],
            commits.Length > 1 ? commits[1..].ToArray() : null,
            deliveryId,
            deliveryId,
            1,
            one);
    }

    /// <summary>Takes the oldest entry if what it waits for is done.</summary>
    public bool TryTake(out Entry entry)
    {
        entry = default;
        if (_count == 0 || !_entries[_head].IsDone)
            return false;
        entry = _entries[_head];
        _entries[_head] = default;
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
