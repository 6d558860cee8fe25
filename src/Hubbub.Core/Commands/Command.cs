namespace Hubbub.Core.Commands;

/// <summary>Where a pending command stands.</summary>
internal enum CommandState : byte
{
    /// <summary>It is being stored for the first time, and nobody may see it.</summary>
    Storing,

    /// <summary>It waits for a receiver.</summary>
    Ready,

    /// <summary>A receiver has it.</summary>
    Locked,

    /// <summary>What was decided about it is being stored; nothing else may be decided meanwhile.</summary>
    Deciding,
}

/// <summary>One pending command in memory: small, for there may be very many. Guarded by its queue's lock.</summary>
internal sealed class Command
{
    public Command(CommandQueue queue)
    {
        Queue = queue;
        Deadline = new Deadline(this);
    }

    public CommandQueue Queue { get; }

    public required long SequenceNumber { get; init; }

    public string? MessageId { get; init; }

    public required long EnqueuedMs { get; init; }

    public required long ExpiresMs { get; init; }

    public FeedbackMode Ack { get; init; }

    public int DeliveryCount { get; set; }

    public CommandState State { get; set; }

    /// <summary>While it is locked.</summary>
    public Guid LockToken { get; set; }

    /// <summary>While it is locked.</summary>
    public long LockedUntilMs { get; set; }

    /// <summary>While it is locked: by whoever holds the token, not by a receiver that may go.</summary>
    public bool IsPulled { get; set; }

    /// <summary>Null when it must be read from the store.</summary>
    public byte[]? Payload { get; set; }

    /// <summary>Its expiry while it waits, the end of its lock while it is locked.</summary>
    public Deadline Deadline { get; }

    /// <summary>Its neighbours in the list of those that wait.</summary>
    public Command? Previous { get; set; }

    public Command? Next { get; set; }

    public StoredCommand ToStored() => new()
    {
        SequenceNumber = SequenceNumber,
        Target = Queue.Target,
        GenerationId = Queue.GenerationId,
        MessageId = MessageId,
        Ack = Ack,
        EnqueuedAt = DateTimeOffset.FromUnixTimeMilliseconds(EnqueuedMs),
        ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(ExpiresMs),
        DeliveryCount = DeliveryCount,
    };

    public LockedCommand ToLocked(byte[] payload) => new()
    {
        LockToken = LockToken,
        LockedUntil = DateTimeOffset.FromUnixTimeMilliseconds(LockedUntilMs),
        SequenceNumber = SequenceNumber,
        EnqueuedAt = DateTimeOffset.FromUnixTimeMilliseconds(EnqueuedMs),
        DeliveryCount = DeliveryCount,
        Payload = payload,
    };
}

/// <summary>
/// What was decided about a command and is to be stored: either that it ends, or that it was given back.
/// </summary>
/// <param name="Command">In the state <see cref="CommandState.Deciding"/>.</param>
/// <param name="Outcome">How it ends; null when it was given back.</param>
/// <param name="DeliveryCount">How often it was given back, this time included.</param>
internal readonly record struct Decision(Command Command, CommandOutcome? Outcome, int DeliveryCount);
