namespace Hubbub.Core.Commands;

/// <summary>
/// The hub's one queue of feedback: records wait in the order of the outcomes, are handed over up to 64 at a time, and
/// are gone when a service completes them. Receivers compete. A crash gives back what was handed over, with its
/// delivery count. Safe for concurrent use.
/// </summary>
public sealed class FeedbackQueue
{
    private readonly Lock _gate = new();
    private readonly CommandJournal _journal;
    private readonly Deadlines _deadlines;
    private readonly CommandOptions _options;
    private readonly CommandCounters _counters;
    private readonly LinkedList<FeedbackRecord> _waiting = new();
    private readonly LinkedList<FeedbackBatch> _returned = new();

    // Locked, or on their way back; bounded by the credit of receivers, and with all others by FeedbackRecordsMax.
    private readonly Dictionary<Guid, FeedbackBatch> _handedOver = [];
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
                    + _handedOver.Values.Sum(static b => b.Records.Count);
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
            foreach (var batch in _handedOver.Values.Where(b => b.Holder == receiver).ToArray())
            {
                if (batch.State == FeedbackBatchState.Locked)
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
                message = Lock(batch, receiver, nowMs);
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
        FeedbackBatch? batch;
        CommandWrite[] writes = [];
        lock (_gate)
        {
            if (!_handedOver.TryGetValue(lockToken, out batch) || batch.State != FeedbackBatchState.Locked)
                return new HubError(HubErrorCode.DeviceMessageLockLost, "The lock of the feedback message is over.");
            _deadlines.Clear(batch.Deadline);
            if (disposition == CommandDisposition.Release)
                Return(batch);
            else
                writes = Decide(batch, disposition);
        }
        if (writes.Length == 0)
        {
            Wake();
            return null;
        }
        var error = await _journal.WriteAsync(writes).ConfigureAwait(false);
        lock (_gate)
        {
            // What could not be stored did not happen: it is given again.
            if (batch.State == FeedbackBatchState.Returning || error is not null)
                Return(batch);
            else if (batch.State == FeedbackBatchState.Ended && disposition == CommandDisposition.Abandon)
                _counters.OnFeedbackDropped(batch.Records.Count);
        }
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

    /// <summary>
    /// Forgets the records about a device with its modules, or about one module; what a receiver has, it has.
    /// </summary>
    internal void Remove(CommandTarget target)
    {
        var removed = new List<FeedbackRecord>();
        lock (_gate)
        {
            for (var node = _waiting.First; node is not null;)
            {
                var next = node.Next;
                if (FeedbackBatch.IsOf(node.Value, target))
                {
                    removed.Add(node.Value);
                    _waiting.Remove(node);
                }
                node = next;
            }
            foreach (var batch in _returned.Concat(_handedOver.Values).ToArray())
            {
                batch.Remove(target, removed);
                if (batch.Records.Count == 0 && batch.State == FeedbackBatchState.Returned)
                    Forget(batch);
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
            if (owner is FeedbackBatch batch && batch.DueMs <= nowMs)
            {
                if (batch.State == FeedbackBatchState.Locked)
                    Return(batch);
                else if (batch.State == FeedbackBatchState.Returned)
                    DropReturned(batch, expired);
            }
            DropExpired(nowMs, expired);
            Rearm(nowMs);
        }
        Drop(expired);
        Wake();
    }

    private FeedbackBatch? Next(long nowMs)
    {
        if (_returned.First is { Value: var returned })
        {
            Forget(returned);
            return returned;
        }
        if (_waiting.First is null
            || (_waiting.Count < CommandLimits.FeedbackRecordsPerMessageMax && nowMs < FlushMs(_waiting.First.Value)))
            return null;
        // Records that a restart gave back have been counted, and are not mixed with others.
        var count = _waiting.First.Value.DeliveryCount;
        var records = new List<FeedbackRecord>(Math.Min(_waiting.Count, CommandLimits.FeedbackRecordsPerMessageMax));
        while (records.Count < CommandLimits.FeedbackRecordsPerMessageMax
            && _waiting.First is { } first && first.Value.DeliveryCount == count)
        {
            records.Add(first.Value);
            _waiting.RemoveFirst();
        }
        return new FeedbackBatch(records);
    }

    private FeedbackMessage Lock(FeedbackBatch batch, IFeedbackReceiver receiver, long nowMs)
    {
        batch.State = FeedbackBatchState.Locked;
        batch.Holder = receiver;
        batch.LockToken = Guid.NewGuid();
        batch.DueMs = nowMs + (long)_options.FeedbackLockDuration.TotalMilliseconds;
        _handedOver.Add(batch.LockToken, batch);
        _deadlines.Set(batch.Deadline, batch.DueMs);
        return new FeedbackMessage
        {
            LockToken = batch.LockToken,
            LockedUntil = DateTimeOffset.FromUnixTimeMilliseconds(batch.DueMs),
            EnqueuedAt = batch.Records[0].HappenedAt,
            DeliveryCount = batch.DeliveryCount,
            Records = batch.Records,
        };
    }

    /// <summary>What is to be stored of an outcome.</summary>
    private CommandWrite[] Decide(FeedbackBatch batch, CommandDisposition disposition)
    {
        if (disposition == CommandDisposition.Abandon)
            batch.Count();
        if (disposition == CommandDisposition.Abandon && batch.Records.Count > 0
            && batch.DeliveryCount < _options.FeedbackDeliveryCountMax)
        {
            batch.State = FeedbackBatchState.Returning;
            return
            [
                .. batch.Records.Select(static r =>
                    new CommandWrite.SetFeedbackDeliveryCount(r.SequenceNumber, r.DeliveryCount)),
            ];
        }
        batch.State = FeedbackBatchState.Ended;
        _handedOver.Remove(batch.LockToken);
        return Removals(batch.Records);
    }

    private void Return(FeedbackBatch batch)
    {
        _handedOver.Remove(batch.LockToken);
        batch.Holder = null;
        if (batch.Records.Count == 0)
        {
            batch.State = FeedbackBatchState.Ended;
            _deadlines.Clear(batch.Deadline);
            return;
        }
        batch.State = FeedbackBatchState.Returned;
        // The records of a message live and die together, by the last of them.
        batch.DueMs = ExpiresMs(batch.Records[^1]);
        _deadlines.Set(batch.Deadline, batch.DueMs);
        _returned.AddLast(batch.Node);
    }

    private void Forget(FeedbackBatch batch)
    {
        _deadlines.Clear(batch.Deadline);
        _returned.Remove(batch.Node);
        batch.State = FeedbackBatchState.Ended;
    }

    private void DropReturned(FeedbackBatch batch, List<FeedbackRecord> expired)
    {
        expired.AddRange(batch.Records);
        Forget(batch);
    }

    private void DropExpired(long nowMs, List<FeedbackRecord> expired)
    {
        while (_waiting.First is { } first && ExpiresMs(first.Value) <= nowMs)
        {
            expired.Add(first.Value);
            _waiting.RemoveFirst();
        }
        while (_returned.First is { Value: var batch } && batch.DueMs <= nowMs)
            DropReturned(batch, expired);
    }

    /// <summary>Sets the deadline of those that wait; a batch has its own.</summary>
    private void Rearm(long nowMs)
    {
        if (_waiting.First is { } first)
            _deadlines.Set(_nextDue, nowMs < FlushMs(first.Value) ? FlushMs(first.Value) : ExpiresMs(first.Value));
        else
            _deadlines.Clear(_nextDue);
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
}
