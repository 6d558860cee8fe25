namespace Hubbub.Core.Commands;

/// <summary>A command as a service sends it.</summary>
public sealed record NewCommand
{
    public required CommandTarget Target { get; init; }

    /// <summary>The sender's id of it; null when it gave none.</summary>
    public string? MessageId { get; init; }

    public FeedbackMode Ack { get; init; }

    /// <summary>When it expires, as the sender wants it; null: after the hub's default time to live.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Bytes of body and properties, without their encoding.</summary>
    public required int SizeBytes { get; init; }

    /// <summary>
    /// What the device is given, in the form of its protocol: never changed, and owned by the command.
    /// </summary>
    public required byte[] Payload { get; init; }
}

/// <summary>A command that was given to a receiver, for it alone until its lock ends.</summary>
public sealed record LockedCommand
{
    /// <summary>Names this delivery of the command.</summary>
    public required Guid LockToken { get; init; }

    /// <summary>When the lock ends.</summary>
    public required DateTimeOffset LockedUntil { get; init; }

    /// <summary>The command's number: strictly rising in the order of sending, over all devices.</summary>
    public required long SequenceNumber { get; init; }

    public required DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>How often it was given back before; 0 the first time.</summary>
    public required int DeliveryCount { get; init; }

    /// <summary>As in <see cref="NewCommand.Payload"/>.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }
}
