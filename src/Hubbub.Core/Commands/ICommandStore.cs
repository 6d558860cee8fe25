namespace Hubbub.Core.Commands;

/// <summary>Keeps commands and feedback durably. Safe for concurrent use.</summary>
public interface ICommandStore
{
    /// <summary>Everything that is stored but the payloads; called once, before the first write.</summary>
    ValueTask<CommandSnapshot> LoadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes the records in order, all or none; completes when they are on stable storage. Concurrent calls may share
    /// one transaction.
    /// </summary>
    /// <returns>Null when the writes are durable, else why nothing was written (a full disk).</returns>
    /// <exception cref="IOException">The store failed; nothing can be stored any more.</exception>
    ValueTask<HubError?> WriteAsync(IReadOnlyList<CommandWrite> writes, CancellationToken cancellationToken);

    /// <summary>
    /// Reads payloads, in the order of the numbers; null for a command that is not stored (any more).
    /// </summary>
    /// <exception cref="IOException">The store failed.</exception>
    ValueTask<IReadOnlyList<byte[]?>> ReadPayloadsAsync(
        IReadOnlyList<long> sequenceNumbers, CancellationToken cancellationToken);
}

/// <summary>What a store holds when the hub starts.</summary>
/// <param name="Commands">Pending commands, by rising sequence number.</param>
/// <param name="Feedback">Feedback records that nobody has completed, by rising sequence number.</param>
/// <param name="LastCommand">The highest sequence number that a command ever had; 0 when there was none.</param>
/// <param name="LastFeedback">The highest sequence number that a record ever had; 0 when there was none.</param>
public sealed record CommandSnapshot(
    IReadOnlyList<StoredCommand> Commands, IReadOnlyList<FeedbackRecord> Feedback, long LastCommand, long LastFeedback);

/// <summary>A pending command as it is stored, without its payload.</summary>
public sealed record StoredCommand
{
    public required long SequenceNumber { get; init; }

    public required CommandTarget Target { get; init; }

    /// <summary>The generation of the device (or module) that it was sent to; it is for no other.</summary>
    public required string GenerationId { get; init; }

    public string? MessageId { get; init; }

    public FeedbackMode Ack { get; init; }

    public required DateTimeOffset EnqueuedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public int DeliveryCount { get; init; }
}

/// <summary>One write of a command store. The cases below are all there are.</summary>
public abstract record CommandWrite
{
    private CommandWrite()
    {
    }

    /// <summary>Adds a pending command.</summary>
    public sealed record Add(StoredCommand Command, byte[] Payload) : CommandWrite;

    /// <summary>Notes that a command was given back.</summary>
    public sealed record SetDeliveryCount(long SequenceNumber, int DeliveryCount) : CommandWrite;

    /// <summary>Removes a command that has ended, and adds the record of it where there is to be one.</summary>
    public sealed record End(long SequenceNumber, FeedbackRecord? Feedback) : CommandWrite;

    /// <summary>Notes that a feedback record was given back.</summary>
    public sealed record SetFeedbackDeliveryCount(long SequenceNumber, int DeliveryCount) : CommandWrite;

    /// <summary>Removes a record that a service has completed, or that nobody wants any more.</summary>
    public sealed record RemoveFeedback(long SequenceNumber) : CommandWrite;
}
