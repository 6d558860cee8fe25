namespace Hubbub.Core.Commands;

/// <summary>What became of one command, for the service that sent it.</summary>
public sealed record FeedbackRecord
{
    /// <summary>Strictly rising.</summary>
    public required long SequenceNumber { get; init; }

    /// <summary>The message-id of the command; null when it had none.</summary>
    public string? OriginalMessageId { get; init; }

    public required CommandTarget Target { get; init; }

    /// <summary>The generation of the device (or module) that the command was sent to.</summary>
    public required string GenerationId { get; init; }

    public required CommandOutcome Outcome { get; init; }

    /// <summary>When the outcome occurred.</summary>
    public required DateTimeOffset HappenedAt { get; init; }

    /// <summary>How often the record was given back.</summary>
    public int DeliveryCount { get; init; }
}

/// <summary>Feedback records that were given to a receiver together, for it alone until the lock ends.</summary>
public sealed record FeedbackMessage
{
    /// <summary>Names this delivery.</summary>
    public required Guid LockToken { get; init; }

    /// <summary>When the lock ends.</summary>
    public required DateTimeOffset LockedUntil { get; init; }

    /// <summary>When the first of the records was made.</summary>
    public required DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>How often it was given back before.</summary>
    public required int DeliveryCount { get; init; }

    /// <summary>1 to 64.</summary>
    public required IReadOnlyList<FeedbackRecord> Records { get; init; }
}
