namespace Hubbub.Core.Commands;

/// <summary>
/// How a command ended; each ends in exactly one way. The names are the <c>statusCode</c> of feedback records, the
/// numbers are stored.
/// </summary>
public enum CommandOutcome : byte
{
    /// <summary>The device completed it.</summary>
    Success = 1,

    /// <summary>The device rejected it.</summary>
    Rejected = 2,

    /// <summary>Nobody completed it in time.</summary>
    Expired = 3,

    /// <summary>It was abandoned as often as it may be.</summary>
    DeliveryCountExceeded = 4,

    /// <summary>A service purged the device's queue.</summary>
    Purged = 5,
}

/// <summary>What a receiver says about something that it was given.</summary>
public enum CommandDisposition : byte
{
    /// <summary>Done.</summary>
    Complete,

    /// <summary>Never to be given to anybody again.</summary>
    Reject,

    /// <summary>Not now: given again, and counted.</summary>
    Abandon,

    /// <summary>It was not looked at: given again, and not counted.</summary>
    Release,
}
