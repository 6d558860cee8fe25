using Hubbub.Amqp.Performatives;

namespace Hubbub.Client;

/// <summary>
/// Error conditions: those that the client itself gives, which begin with <c>hubbub:</c>, and the ones that a hub gives
/// most. A hub may give others, such as <c>com.microsoft:server-busy</c>.
/// </summary>
public static class HubbubCondition
{
    /// <summary>No connection could be made: name unknown, port closed, network down.</summary>
    public const string Unreachable = "hubbub:unreachable";

    /// <summary>TLS failed: the server's certificate is not trusted, or is for another name.</summary>
    public const string Untrusted = "hubbub:untrusted";

    /// <summary>The connection broke without a word of the peer.</summary>
    public const string ConnectionLost = "hubbub:connection-lost";

    /// <summary>The peer did not answer in time.</summary>
    public const string Timeout = "hubbub:timeout";

    /// <summary>The peer did not take the message: outcome released or modified (AMQP 3.4.4, 3.4.5).</summary>
    public const string Released = "hubbub:released";

    /// <summary>The client, the link or the connection was closed on this side.</summary>
    public const string Closed = "hubbub:closed";

    /// <summary>The caller's token provider failed.</summary>
    public const string TokenUnavailable = "hubbub:token-unavailable";

    /// <summary>The hub: the token is wrong, has expired, or does not open what was asked for.</summary>
    public const string UnauthorizedAccess = ErrorCondition.UnauthorizedAccess;

    /// <summary>The hub: there is no such device, consumer group or address.</summary>
    public const string NotFound = ErrorCondition.NotFound;

    /// <summary>The hub: the message or batch is too large.</summary>
    public const string MessageSizeExceeded = ErrorCondition.MessageSizeExceeded;

    /// <summary>The hub: it has no room, such as for more commands to a device that takes none.</summary>
    public const string ResourceLimitExceeded = ErrorCondition.ResourceLimitExceeded;

    /// <summary>The hub: the lock of a command or of feedback is over; it is given out again, or has ended.</summary>
    public const string MessageLockLost = "com.microsoft:message-lock-lost";

    /// <summary>The hub: another reader has taken the partition over.</summary>
    public const string LinkStolen = ErrorCondition.LinkStolen;

    // What heals by itself: the peer is busy, restarts, or has no room at this moment.
    internal static bool IsTransient(string condition) => condition is
        Unreachable or ConnectionLost or Timeout or Released or TokenUnavailable
        or ErrorCondition.InternalError or ErrorCondition.ResourceLimitExceeded or ErrorCondition.ConnectionForced
        or ErrorCondition.DetachForced or ErrorCondition.TransferLimitExceeded
        or "com.microsoft:server-busy" or "com.microsoft:timeout" or "com.microsoft:operation-cancelled"
        or "com.microsoft:device-container-throttled" or "com.microsoft:container-close";
}
