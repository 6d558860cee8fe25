namespace Hubbub.Core.Commands;

// The device's side: receiving and settling.
public sealed partial class CommandQueues
{
    /// <inheritdoc/>
    public void Attach(CommandTarget target, ICommandReceiver receiver)
    {
        while (FindOrMakeQueue(target) is { } queue)
        {
            if (!queue.TryAttach(receiver, out var displaced))
                continue;
            displaced?.OnDisplaced(new HubError(
                HubErrorCode.LinkCreationConflict, "Another AMQP Client has opened a Receive Link"));
            receiver.OnCommandsReady();
            return;
        }
        receiver.OnDisplaced(NotFound(target));
    }

    /// <inheritdoc/>
    public void Detach(CommandTarget target, ICommandReceiver receiver)
    {
        if (!_queues.TryGetValue(target, out var queue))
            return;
        queue.Detach(receiver);
        Retire(queue);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LockedCommand>> ReceiveAsync(
        CommandTarget target, ICommandReceiver receiver, int countMax, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_queues.TryGetValue(target, out var queue))
            return new([]);
        var taken = new List<Command>();
        var expired = new List<Decision>();
        queue.Take(receiver, Math.Min(countMax, CommandLimits.ReceiveMax), _deadlines.NowMs, taken, expired);
        StoreLater(expired);
        if (taken.Count == 0)
            return new([]);
        Counters.OnDelivered(taken.Count);
        var result = new LockedCommand[taken.Count];
        for (var i = 0; i < result.Length; i++)
        {
            if (taken[i].Payload is not { } payload)
                return LoadAsync(queue, receiver, taken);
            result[i] = taken[i].ToLocked(payload);
        }
        return new(result);
    }

    /// <inheritdoc/>
    public async ValueTask<HubResult<LockedCommand?>> PullAsync(
        CommandTarget target, TimeSpan? lockDuration, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_queues.TryGetValue(target, out var queue))
            return (LockedCommand?)null;
        var expired = new List<Decision>();
        var taken = queue.Pull(_deadlines.NowMs, (long?)lockDuration?.TotalMilliseconds, expired);
        StoreLater(expired);
        if (taken is null)
            return (LockedCommand?)null;
        Counters.OnDelivered(1);
        if (taken.Payload is { } payload)
            return taken.ToLocked(payload);
        var locked = taken.ToLocked([]);
        var loaded = await LoadAsync(target, [taken]).ConfigureAwait(false);
        if (loaded.IsOk)
            return loaded.Value.Count == 0 ? (LockedCommand?)null : loaded.Value[0];
        if (queue.TrySettle(locked.LockToken, CommandDisposition.Release, out _, out var wake))
            wake?.OnCommandsReady();
        return loaded.Error!;
    }

    /// <inheritdoc/>
    public ValueTask<HubError?> SettleAsync(
        CommandTarget target, Guid lockToken, CommandDisposition disposition, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_queues.TryGetValue(target, out var queue)
            || !queue.TrySettle(lockToken, disposition, out var decision, out var wake))
        {
            return new(new HubError(
                HubErrorCode.DeviceMessageLockLost, $"The lock {lockToken} of a command of {target} is over."));
        }
        wake?.OnCommandsReady();
        return decision is { } decided ? StoreAsync([decided]) : default;
    }

    /// <inheritdoc/>
    public ValueTask<HubError?> SettleByMessageIdAsync(
        CommandTarget target, string messageId, CommandDisposition disposition, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_queues.TryGetValue(target, out var queue)
            || !queue.TrySettle(messageId, disposition, out var decision, out var wake))
        {
            return new(new HubError(
                HubErrorCode.DeviceMessageLockLost, $"No command with the id '{messageId}' is pending for {target}."));
        }
        wake?.OnCommandsReady();
        return decision is { } decided ? StoreAsync([decided]) : default;
    }

    private async ValueTask<IReadOnlyList<LockedCommand>> LoadAsync(
        CommandQueue queue, ICommandReceiver receiver, List<Command> taken)
    {
        var loaded = await LoadAsync(queue.Target, taken).ConfigureAwait(false);
        if (loaded.IsOk)
            return loaded.Value;
        // What it holds goes back uncounted, and a receiver that comes again finds it there.
        queue.Detach(receiver);
        receiver.OnDisplaced(loaded.Error!);
        return [];
    }

    private async ValueTask<HubResult<List<LockedCommand>>> LoadAsync(CommandTarget target, List<Command> taken)
    {
        // Noted now: the commands may be released and locked anew while the store reads.
        var locked = taken.ConvertAll(static c => c.ToLocked([]));
        var numbers = taken.ConvertAll(static c => c.SequenceNumber);
        var read = await _journal.ReadPayloadsAsync(target, numbers).ConfigureAwait(false);
        if (!read.IsOk)
            return read.Error!;
        var result = new List<LockedCommand>(taken.Count);
        for (var i = 0; i < taken.Count; i++)
        {
            if ((taken[i].Payload ?? read.Value[i]) is { } payload)
                result.Add(locked[i] with { Payload = payload });
        }
        // What the store does not have any more ended while it was read.
        return result;
    }
}
