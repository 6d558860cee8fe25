namespace Hubbub.Core.Commands;

/// <summary>
/// Every time at which something of the commands is due, behind one timer. Setting and clearing are O(1); a deadline
/// that is not set costs nothing. Safe for concurrent use.
/// </summary>
internal sealed class Deadlines : IDisposable
{
    /// <summary>The clock may jump, so it is looked at again after this time at the latest.</summary>
    private const long WaitMsMax = 60_000;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly Action<List<Deadline>> _onDue;
    private readonly ITimer _timer;

    // A bucket stays until its time has come, even when it is empty; with the longest time to live and the granularity
    // that bounds how many there are, whatever is set and cleared.
    private readonly Dictionary<long, Deadline?> _buckets = [];
    private readonly PriorityQueue<long, long> _order = new();
    private long _armedMs = long.MaxValue;

    /// <param name="time">The clock.</param>
    /// <param name="onDue">
    /// Gets those that are due, which are no longer set; called from a timer without a lock.
    /// </param>
    public Deadlines(TimeProvider time, Action<List<Deadline>> onDue)
    {
        (_time, _onDue) = (time, onDue);
        _timer = time.CreateTimer(
            static self => ((Deadlines)self!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Milliseconds since 1970 UTC.</summary>
    public long NowMs => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Sets a deadline, or moves it.</summary>
    public void Set(Deadline deadline, long dueMs)
    {
        // Rounded up: nothing is due before its time.
        var bucket = (dueMs + CommandLimits.DeadlineGranularityMs - 1) / CommandLimits.DeadlineGranularityMs;
        lock (_gate)
        {
            if (deadline.Bucket == bucket)
                return;
            Unlink(deadline);
            if (!_buckets.TryGetValue(bucket, out var head))
                _order.Enqueue(bucket, bucket);
            deadline.Bucket = bucket;
            deadline.Next = head;
            if (head is not null)
                head.Previous = deadline;
            _buckets[bucket] = deadline;
            Arm(bucket * CommandLimits.DeadlineGranularityMs);
        }
    }

    /// <summary>Clears a deadline; nothing happens when it is not set.</summary>
    public void Clear(Deadline deadline)
    {
        lock (_gate)
            Unlink(deadline);
    }

    public void Dispose() => _timer.Dispose();

    private void Unlink(Deadline deadline)
    {
        if (deadline.Bucket < 0)
            return;
        if (deadline.Next is { } next)
            next.Previous = deadline.Previous;
        if (deadline.Previous is { } previous)
            previous.Next = deadline.Next;
        else
            _buckets[deadline.Bucket] = deadline.Next;
        deadline.Next = deadline.Previous = null;
        deadline.Bucket = -1;
    }

    private void Arm(long atMs)
    {
        if (atMs >= _armedMs)
            return;
        _armedMs = atMs;
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(atMs - NowMs, 0, WaitMsMax)), Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        var due = new List<Deadline>();
        lock (_gate)
        {
            _armedMs = long.MaxValue;
            var nowMs = NowMs;
            while (_order.TryPeek(out var bucket, out _))
            {
                var head = _buckets[bucket];
                if (bucket * CommandLimits.DeadlineGranularityMs > nowMs && head is not null)
                {
                    Arm(bucket * CommandLimits.DeadlineGranularityMs);
                    break;
                }
                _order.Dequeue();
                _buckets.Remove(bucket);
                Take(head, due);
            }
        }
        if (due.Count > 0)
            _onDue(due);
    }

    private static void Take(Deadline? head, List<Deadline> due)
    {
        while (head is not null)
        {
            var next = head.Next;
            head.Next = head.Previous = null;
            head.Bucket = -1;
            due.Add(head);
            head = next;
        }
    }
}

/// <summary>
/// One time at which something is due; belongs to one <see cref="Deadlines"/>, which guards its fields.
/// </summary>
/// <param name="owner">What is due.</param>
internal sealed class Deadline(object owner)
{
    public object Owner { get; } = owner;

    /// <summary>Negative while it is not set.</summary>
    public long Bucket { get; set; } = -1;

    public Deadline? Previous { get; set; }

    public Deadline? Next { get; set; }
}
