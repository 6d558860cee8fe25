namespace Hubbub.Core.Commands;

/// <summary>
/// The hub's one queue of feedback: records wait in the order of the outcomes, are handed over up to 64 at a time, and
/// are gone when a service completes them. Receivers compete. A crash gives back what was handed over. Safe for
/// concurrent use.
/// </summary>
public sealed class FeedbackQueue
{
    private readonly Lock _gate = new();
    private readonly CommandJournal _journal;
    private readonly Deadlines _deadlines;
    private readonly CommandOptions _options;
    private readonly CommandCounters _counters;
    private readonly LinkedList<FeedbackRecord> _waiting = new();
    private readonly LinkedList<Batch> _returned = new();
    private readonly Dictionary<Guid, Batch> _locked = [];
    private readonly List<IFeedbackReceiver> _receivers = [];
    private readonly Deadline _nextDue;

    internal FeedbackQueue(
        CommandJournal journal, Deadlines deadlines, CommandOptions options, CommandCounters counters)
    {
        (_journal, _deadlines, _options, _counters) = (journal, deadlines, options, counters);
        _nextDue = new Deadline(this);
    }

    /// <summary>Records that wait for a receiver or that one has.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count + _returned.Sum(static b => b.Records.Count)
                    + _locked.Values.Sum(static b => b.Records.Count);
            }
        }
    }

    /// <summary>Lets a receiver take part.</summary>
    public void Attach(IFeedbackReceiver receiver)
    {
        lock (_gate)
            _receivers.Add(receiver);
    }

    /// <summary>Says that a receiver is gone; what it has not settled is given to others, uncounted.</summary>
    public void Detach(IFeedbackReceiver receiver)
    {
        lock (_gate)
        {
            _receivers.Remove(receiver);
            foreach (var batch in _locked.Values.Where(b => b.Holder == receiver).ToArray())
            {
                _locked.Remove(batch.LockToken);
                Return(batch);
            }
        }
        Wake();
    }

    /// <summary>Locks the next message for the receiver; null when there is none to be handed over now.</summary>
    public FeedbackMessage? TryReceive(IFeedbackReceiver receiver)
    {
        var expired = new List<FeedbackRecord>();
        FeedbackMessage? message = null;
        lock (_gate)
        {
            var nowMs = _deadlines.NowMs;
            DropExpired(nowMs, expired);
            if (_receivers.Contains(receiver) && Next(nowMs) is { } batch)
            {
                batch.Holder = receiver;
                batch.LockToken = Guid.NewGuid();
                batch.DueMs = nowMs + (long)_options.FeedbackLockDuration.TotalMilliseconds;
                _locked.Add(batch.LockToken, batch);
                _deadlines.Set(batch.Deadline, batch.DueMs);
                message = new FeedbackMessage
                {
                    LockToken = batch.LockToken,
                    EnqueuedAt = batch.Records[0].HappenedAt,
                    DeliveryCount = batch.DeliveryCount,
                    Records = batch.Records,
                };
            }
            Rearm(nowMs);
        }
        Drop(expired);
        return message;
    }

    /// <summary>Ends a lock; completes when what follows from it is on stable storage.</summary>
    /// <returns>
    /// Null, or DeviceMessageLockLost when there is no such lock (any more), or why it could not be stored.
    /// </returns>
    public async ValueTask<HubError?> SettleAsync(
        Guid lockToken, CommandDisposition disposition, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Batch? batch;
        lock (_gate)
        {
            if (!_locked.Remove(lockToken, out batch))
                return new HubError(HubErrorCode.DeviceMessageLockLost, "The lock of the feedback message is over.");
            _deadlines.Clear(batch.Deadline);
            if (disposition is CommandDisposition.Release or CommandDisposition.Abandon && !IsOver(batch, disposition))
            {
                Return(batch);
                batch = null;
            }
        }
        if (batch is null)
        {
            Wake();
            return null;
        }
        if (disposition == CommandDisposition.Abandon)
            _counters.OnFeedbackDropped(batch.Records.Count);
        var error = await _journal.WriteAsync(Removals(batch.Records)).ConfigureAwait(false);
        if (error is null)
            return null;
        lock (_gate)
            Return(batch);
        Wake();
        return error;
    }

    /// <summary>Adds records that are stored.</summary>
    internal void Add(IReadOnlyList<FeedbackRecord> records)
    {
        if (records.Count == 0)
            return;
        var dropped = new List<FeedbackRecord>();
        lock (_gate)
        {
            foreach (var record in records)
            {
                // Outcomes of two writes may come the wrong way round, but never far.
                var after = _waiting.Last;
                while (after is not null && after.Value.SequenceNumber > record.SequenceNumber)
                    after = after.Previous;
                if (after is null)
                    _waiting.AddFirst(record);
                else
                    _waiting.AddAfter(after, record);
            }
            while (_waiting.Count > CommandLimits.FeedbackRecordsMax)
            {
                dropped.Add(_waiting.First!.Value);
                _waiting.RemoveFirst();
            }
            Rearm(_deadlines.NowMs);
        }
        Drop(dropped);
        Wake();
    }

    /// <summary>Forgets what has not been handed over about a device with its modules, or about one module.</summary>
    internal void Remove(CommandTarget target)
    {
        var removed = new List<FeedbackRecord>();
        lock (_gate)
        {
            bool IsOf(FeedbackRecord record) => record.Target.DeviceId == target.DeviceId
                && (target.ModuleId is null || record.Target.ModuleId == target.ModuleId);
            for (var node = _waiting.First; node is not null;)
            {
                var next = node.Next;
                if (IsOf(node.Value))
                {
                    removed.Add(node.Value);
                    _waiting.Remove(node);
                }
                node = next;
            }
            for (var node = _returned.First; node is not null;)
            {
                var next = node.Next;
                removed.AddRange(node.Value.Records.Where(IsOf));
                node.Value.Records = [.. node.Value.Records.Where(r => !IsOf(r))];
                if (node.Value.Records.Count == 0)
                    _returned.Remove(node);
                node = next;
            }
            Rearm(_deadlines.NowMs);
        }
        _journal.WriteLater(Removals(removed));
    }

    /// <summary>The deadline of a batch, or that of those that wait, has come.</summary>
    internal void OnDue(object owner)
    {
        var expired = new List<FeedbackRecord>();
        lock (_gate)
        {
            var nowMs = _deadlines.NowMs;
            if (owner is Batch batch && batch.DueMs <= nowMs && _locked.Remove(batch.LockToken))
                Return(batch);
            DropExpired(nowMs, expired);
            Rearm(nowMs);
        }
        Drop(expired);
        Wake();
    }

    private bool IsOver(Batch batch, CommandDisposition disposition) =>
        disposition == CommandDisposition.Abandon && ++batch.DeliveryCount >= _options.FeedbackDeliveryCountMax;

    private Batch? Next(long nowMs)
    {
        if (_returned.First is { } returned)
        {
            _returned.Remove(returned);
            return returned.Value;
        }
        if (_waiting.First is null
            || (_waiting.Count < CommandLimits.FeedbackRecordsPerMessageMax && nowMs < FlushMs(_waiting.First.Value)))
            return null;
        var records = new List<FeedbackRecord>(Math.Min(_waiting.Count, CommandLimits.FeedbackRecordsPerMessageMax));
        while (records.Count < CommandLimits.FeedbackRecordsPerMessageMax && _waiting.First is { } first)
        {
            records.Add(first.Value);
            _waiting.RemoveFirst();
        }
        return new Batch(records);
    }

    private void Return(Batch batch)
    {
        batch.Holder = null;
        _returned.AddLast(batch);
        Rearm(_deadlines.NowMs);
    }

    private void DropExpired(long nowMs, List<FeedbackRecord> expired)
    {
        while (_waiting.First is { } first && ExpiresMs(first.Value) <= nowMs)
        {
            expired.Add(first.Value);
            _waiting.RemoveFirst();
        }
        for (var node = _returned.First; node is not null;)
        {
            var next = node.Next;
            // The records of a message live and die together, by the last of them.
            if (ExpiresMs(node.Value.Records[^1]) <= nowMs)
            {
                expired.AddRange(node.Value.Records);
                _returned.Remove(node);
            }
            node = next;
        }
    }

    private void Rearm(long nowMs)
    {
        var next = long.MaxValue;
        if (_waiting.First is { } first)
            next = nowMs < FlushMs(first.Value) ? FlushMs(first.Value) : ExpiresMs(first.Value);
        foreach (var batch in _returned)
            next = Math.Min(next, ExpiresMs(batch.Records[^1]));
        if (next == long.MaxValue)
            _deadlines.Clear(_nextDue);
        else
            _deadlines.Set(_nextDue, next);
    }

    private void Drop(List<FeedbackRecord> records)
    {
        if (records.Count == 0)
            return;
        _counters.OnFeedbackDropped(records.Count);
        _journal.WriteLater(Removals(records));
    }

    private void Wake()
    {
        IFeedbackReceiver[] receivers;
        lock (_gate)
        {
            if (_receivers.Count == 0 || (_waiting.Count == 0 && _returned.Count == 0))
                return;
            receivers = [.. _receivers];
        }
        foreach (var receiver in receivers)
            receiver.OnFeedbackReady();
    }

    private long FlushMs(FeedbackRecord first) =>
        first.HappenedAt.ToUnixTimeMilliseconds() + (long)_options.FeedbackBatchWait.TotalMilliseconds;

    private long ExpiresMs(FeedbackRecord record) =>
        record.HappenedAt.ToUnixTimeMilliseconds() + (long)_options.FeedbackTimeToLive.TotalMilliseconds;

    private static CommandWrite[] Removals(IReadOnlyList<FeedbackRecord> records) =>
        [.. records.Select(static r => new CommandWrite.RemoveFeedback(r.SequenceNumber))];

    /// <summary>Records that were handed over together, and stay together.</summary>
    private sealed class Batch
    {
        public Batch(List<FeedbackRecord> records)
        {
            Records = records;
            Deadline = new Deadline(this);
        }

        public List<FeedbackRecord> Records { get; set; }

        public Guid LockToken { get; set; }

        public int DeliveryCount { get; set; }

        public IFeedbackReceiver? Holder { get; set; }

        public long DueMs { get; set; }

        public Deadline Deadline { get; }
    }
}
