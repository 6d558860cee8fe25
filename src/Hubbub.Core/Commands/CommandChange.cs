namespace Hubbub.Core.Commands;

/// <summary>What can happen to a command.</summary>
public enum CommandChange : byte
{
    /// <summary>It is on stable storage, and its sender is about to hear so.</summary>
    Enqueued,

    /// <summary>It was given to a receiver.</summary>
    Delivered,

    /// <summary>It waits again: given back, its lock ended, or its receiver went away.</summary>
    Returned,

    /// <summary>It ended as <see cref="CommandOutcome.Success"/>; this and what follows is on stable storage.</summary>
    Completed,

    /// <summary>It ended as <see cref="CommandOutcome.Rejected"/>.</summary>
    Rejected,

    /// <summary>It ended as <see cref="CommandOutcome.Expired"/>.</summary>
    Expired,

    /// <summary>It ended as <see cref="CommandOutcome.DeliveryCountExceeded"/>.</summary>
    DeliveryCountExceeded,

    /// <summary>It ended as <see cref="CommandOutcome.Purged"/>.</summary>
    Purged,
}

/// <summary>One change of one command, as its watchers are told.</summary>
/// <param name="Change">What happened.</param>
/// <param name="SequenceNumber">The command's number.</param>
/// <param name="MessageId">The sender's id of it; null when it gave none.</param>
/// <param name="DeliveryCount">How often it was given back so far.</param>
/// <param name="HappenedMs">When, in milliseconds since 1970 UTC.</param>
public readonly record struct CommandEvent(
    CommandChange Change, long SequenceNumber, string? MessageId, int DeliveryCount, long HappenedMs);

/// <summary>Somebody who follows the commands of one device or module.</summary>
public interface ICommandWatcher
{
    /// <summary>
    /// A command has changed. Called from any thread, in the order of the changes of a command, under the lock of its
    /// queue: it must return at once and call nothing of the commands.
    /// </summary>
    void OnCommandChanged(in CommandEvent happened);
}
