namespace Hubbub.Core.Commands;

/// <summary>
/// The one way from the hub's queues to the connections of devices. A connection asks here and is told here, wherever
/// the queue is kept; in this process it is <see cref="CommandQueues"/>.
/// </summary>
public interface ICommandDelivery
{
    /// <summary>
    /// Makes a receiver the one of its device or module. The newest wins: the former one is told, and what it has not
    /// settled goes back to the queue.
    /// </summary>
    void Attach(CommandTarget target, ICommandReceiver receiver);

    /// <summary>Says that a receiver is gone; what it has not settled goes back to the queue, uncounted.</summary>
    void Detach(CommandTarget target, ICommandReceiver receiver);

    /// <summary>
    /// Locks the next commands and gives them to the receiver; none when there are none, or when it is not the one.
    /// Completes at once while the payloads are in memory. When they cannot be read, the receiver is told that it is
    /// not the one any more.
    /// </summary>
    ValueTask<IReadOnlyList<LockedCommand>> ReceiveAsync(
        CommandTarget target, ICommandReceiver receiver, int countMax, CancellationToken cancellationToken);

    /// <summary>
    /// Locks the next command for whoever gets its token, beside the receiver if there is one: for devices that ask and
    /// go. Only the token, or the end of its time, ends such a lock.
    /// </summary>
    /// <param name="target">Whose command.</param>
    /// <param name="lockDuration">How long the lock lasts; null for the usual time.</param>
    /// <param name="cancellationToken">Ends the wait for a payload.</param>
    /// <returns>The command; null when none waits; or ServiceUnavailable when it cannot be read.</returns>
    ValueTask<HubResult<LockedCommand?>> PullAsync(
        CommandTarget target, TimeSpan? lockDuration, CancellationToken cancellationToken);

    /// <summary>Ends a lock; completes when what follows from it is on stable storage.</summary>
    /// <returns>
    /// Null, or DeviceMessageLockLost when there is no such lock (any more), or why it could not be stored.
    /// </returns>
    ValueTask<HubError?> SettleAsync(
        CommandTarget target, Guid lockToken, CommandDisposition disposition, CancellationToken cancellationToken);

    /// <summary>The same for a pending command named by its sender's id, locked or not.</summary>
    /// <returns>
    /// Null, or DeviceMessageLockLost when there is no such command (any more), or why it could not be stored.
    /// </returns>
    ValueTask<HubError?> SettleByMessageIdAsync(
        CommandTarget target, string messageId, CommandDisposition disposition, CancellationToken cancellationToken);
}

/// <summary>A device's connection, as the queues see it. Calls come from any thread and must return at once.</summary>
public interface ICommandReceiver
{
    /// <summary>There may be a command to receive.</summary>
    void OnCommandsReady();

    /// <summary>The receiver is not the one any more, and why.</summary>
    void OnDisplaced(HubError reason);
}

/// <summary>A service's receiver of feedback. Calls come from any thread and must return at once.</summary>
public interface IFeedbackReceiver
{
    /// <summary>There may be feedback to receive.</summary>
    void OnFeedbackReady();
}
