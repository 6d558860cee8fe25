using Hubbub.Core.Identities;

namespace Hubbub.Core.Commands;

// What was decided, from the decision to its storing; what is due; what a deletion takes with it.
public sealed partial class CommandQueues
{
    /// <summary>Stores decisions, in one transaction, and lets them take effect.</summary>
    private async ValueTask<HubError?> StoreAsync(List<Decision> decided)
    {
        HubError? failure = null;
        foreach (var part in decided.Chunk(CommandLimits.OutcomesPerWriteMax))
            failure = await StorePartAsync(part).ConfigureAwait(false) ?? failure;
        return failure;
    }

    private async ValueTask<HubError?> StorePartAsync(Decision[] decided)
    {
        var writes = new CommandWrite[decided.Length];
        var records = new FeedbackRecord?[decided.Length];
        for (var i = 0; i < decided.Length; i++)
        {
            records[i] = RecordOf(decided[i]);
            writes[i] = decided[i].Outcome is null
                ? new CommandWrite.SetDeliveryCount(decided[i].Command.SequenceNumber, decided[i].DeliveryCount)
                : new CommandWrite.End(decided[i].Command.SequenceNumber, records[i]);
        }
        var error = await _journal.WriteAsync(writes).ConfigureAwait(false);
        if (error is not null)
        {
            foreach (var decision in decided)
            {
                if (!decision.Command.Queue.OnDecisionFailed(decision.Command, _deadlines.NowMs))
                    Forget([decision.Command]);
            }
            return error;
        }
        var feedback = new List<FeedbackRecord>();
        for (var i = 0; i < decided.Length; i++)
            OnStored(decided[i], records[i], feedback);
        Feedback.Add(feedback);
        return null;
    }

    private void OnStored(in Decision decision, FeedbackRecord? record, List<FeedbackRecord> feedback)
    {
        var queue = decision.Command.Queue;
        if (!queue.OnDecided(decision, out var wake))
        {
            // The identity was deleted meanwhile, and what is about it goes with it.
            if (record is not null)
                _journal.WriteLater([new CommandWrite.RemoveFeedback(record.SequenceNumber)]);
            if (decision.Outcome is null)
                Forget([decision.Command]);
            else
                LetGo(decision.Command);
            return;
        }
        wake?.OnCommandsReady();
        if (decision.Outcome is not { } outcome)
            return;
        LetGo(decision.Command);
        Counters.OnEnded(outcome);
        if (record is not null)
            feedback.Add(record);
        Retire(queue);
    }

    private FeedbackRecord? RecordOf(in Decision decision) =>
        decision.Outcome is { } outcome && decision.Command.Ack.Wants(outcome)
            ? new FeedbackRecord
            {
                SequenceNumber = Interlocked.Increment(ref _lastFeedback),
                OriginalMessageId = decision.Command.MessageId,
                Target = decision.Command.Queue.Target,
                GenerationId = decision.Command.Queue.GenerationId,
                Outcome = outcome,
                HappenedAt = DateTimeOffset.FromUnixTimeMilliseconds(_deadlines.NowMs),
            }
            : null;

    private void StoreLater(List<Decision> decided)
    {
        if (decided.Count > 0)
            _journal.Run(StoreAsync(decided).AsTask());
    }

    private void OnDue(List<Deadline> due)
    {
        var decided = new List<Decision>();
        var nowMs = _deadlines.NowMs;
        foreach (var deadline in due)
        {
            if (deadline.Owner is not Command command)
            {
                Feedback.OnDue(deadline.Owner);
                continue;
            }
            if (command.Queue.OnDue(command, nowMs, out var wake) is { } decision)
                decided.Add(decision);
            wake?.OnCommandsReady();
        }
        // Together they may be very many, and the store takes them part by part.
        decided.Sort(static (a, b) => a.Command.SequenceNumber.CompareTo(b.Command.SequenceNumber));
        StoreLater(decided);
    }

    private void OnIdentityChanged(IdentityChange change)
    {
        if (change.Kind != IdentityChangeKind.Deleted)
            return;
        var target = new CommandTarget(change.DeviceId, change.ModuleId);
        if (_queues.TryGetValue(target, out var queue))
            CloseQueue(queue);
        if (change.ModuleId is null && Volatile.Read(ref _moduleQueues) > 0)
        {
            foreach (var (other, moduleQueue) in _queues)
            {
                if (other.DeviceId == change.DeviceId)
                    CloseQueue(moduleQueue);
            }
        }
        Feedback.Remove(target);
    }

    /// <summary>
    /// Ends a queue with all that is in it, without outcomes: nobody is left whom they would be about.
    /// </summary>
    private void CloseQueue(CommandQueue queue)
    {
        var dropped = new List<Command>();
        var receiver = queue.Close(dropped);
        RemoveQueue(queue);
        Forget(dropped);
        receiver?.OnDisplaced(new HubError(
            HubErrorCode.DeviceNotFound, $"Device Not Found ErrorCode:DeviceNotFound; {queue.Target} was deleted."));
    }

    private void Forget(List<Command> commands)
    {
        foreach (var command in commands)
            LetGo(command);
        _journal.WriteLater([.. commands.Select(static c => new CommandWrite.End(c.SequenceNumber, null))]);
    }

    private void LetGo(Command command)
    {
        Counters.Add(-1);
        if (command.Payload is not { } payload)
            return;
        CommandQueue.SetPayload(command, null);
        _payloads.Drop(payload);
    }

    private void Retire(CommandQueue queue)
    {
        if (queue.TryRetire())
            RemoveQueue(queue);
    }

    private void RemoveQueue(CommandQueue queue)
    {
        if (_queues.TryRemove(KeyValuePair.Create(queue.Target, queue)) && queue.Target.ModuleId is not null)
            Interlocked.Decrement(ref _moduleQueues);
    }
}
