namespace Hubbub.Core.Routing.Dispatch;

/// <summary>What an endpoint's deliveries look like to its operator.</summary>
public enum EndpointHealth
{
    /// <summary>Nothing was tried since the hub's start.</summary>
    Unknown,

    /// <summary>The last attempt succeeded.</summary>
    Healthy,

    /// <summary>The last attempt failed; events wait and are tried again.</summary>
    Unhealthy,

    /// <summary>As unhealthy, for longer than <see cref="DispatchOptions.DeadAfter"/>.</summary>
    Dead,
}

/// <summary>How an endpoint does, at one moment; numbers count since the hub's start.</summary>
/// <param name="Name">The endpoint.</param>
/// <param name="Health">Whether it takes events.</param>
/// <param name="LastError">Why the last attempt that failed did; null when none did.</param>
/// <param name="LastErrorAt">When that was.</param>
/// <param name="LastDeliveredAt">When events were delivered last; null: not since the start.</param>
/// <param name="SequenceNumber">The last event of its stream that is done with; -1: none.</param>
/// <param name="LagEvents">Events of its stream that wait.</param>
/// <param name="LagMs">The age of the oldest of them; 0 when there is none.</param>
/// <param name="Delivered">Events delivered.</param>
/// <param name="FailedAttempts">Deliveries that failed, refusals included.</param>
/// <param name="DeadLettered">Events put aside as dead letters.</param>
/// <param name="Lost">Events that retention removed before they could be delivered.</param>
public sealed record EndpointStatus(
    string Name,
    EndpointHealth Health,
    string? LastError,
    DateTimeOffset? LastErrorAt,
    DateTimeOffset? LastDeliveredAt,
    long SequenceNumber,
    long LagEvents,
    long LagMs,
    long Delivered,
    long FailedAttempts,
    long DeadLettered,
    long Lost);
