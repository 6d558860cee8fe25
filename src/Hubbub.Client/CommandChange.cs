namespace Hubbub.Client;

/// <summary>What happened to a command on its way.</summary>
public enum CommandChangeKind
{
    /// <summary>Something that this client does not know.</summary>
    Unknown,

    /// <summary>The hub has it on stable storage.</summary>
    Enqueued,

    /// <summary>The device has been sent it, and holds its lock.</summary>
    Delivered,

    /// <summary>The device gave it back, or its lock ended: it will be delivered again.</summary>
    Returned,

    /// <summary>The device completed it.</summary>
    Completed,

    /// <summary>The device rejected it.</summary>
    Rejected,

    /// <summary>Its time was over.</summary>
    Expired,

    /// <summary>It was given back too often.</summary>
    DeliveryCountExceeded,

    /// <summary>Somebody emptied the device's queue.</summary>
    Purged,
}

/// <summary>One change of one command, as Hubbub tells it at <c>/devices/{id}/commands</c>.</summary>
/// <param name="MessageId">The command's message-id as text; null when it has none.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Word">What happened in the hub's word, such as <c>delivery-count-exceeded</c>.</param>
/// <param name="SequenceNumber">The hub's number of the command.</param>
/// <param name="DeliveryCount">How often the device has given it back.</param>
/// <param name="Time">When it happened.</param>
public sealed record CommandChange(
    string? MessageId,
    CommandChangeKind Kind,
    string Word,
    long SequenceNumber,
    int DeliveryCount,
    DateTimeOffset Time)
{
    /// <summary>How the command ended; null while it has not.</summary>
    public CommandOutcome? Outcome => Kind switch
    {
        CommandChangeKind.Completed => CommandOutcome.Success,
        CommandChangeKind.Rejected => CommandOutcome.Rejected,
        CommandChangeKind.Expired => CommandOutcome.Expired,
        CommandChangeKind.DeliveryCountExceeded => CommandOutcome.DeliveryCountExceeded,
        CommandChangeKind.Purged => CommandOutcome.Purged,
        _ => null,
    };
}
