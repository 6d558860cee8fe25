namespace Hubbub.Core.Routing.Dispatch;

/// <summary>What stopped a delivery, if anything did.</summary>
public enum SinkFailure
{
    None,

    /// <summary>The other side cannot take anything now: the same events are tried again later.</summary>
    Transient,

    /// <summary>The other side does not want these events: it would say so again.</summary>
    Refused,
}

/// <summary>How far a delivery came, and why it came no further.</summary>
/// <param name="Delivered">How many of the events, from the first on, are delivered.</param>
/// <param name="Failure">What stopped it.</param>
/// <param name="RefusedCount">
/// For <see cref="SinkFailure.Refused"/>: how many events, from the first undelivered one on, were refused as a whole.
/// When it is more than one, the dispatcher tries smaller parts until it knows which events are at fault.
/// </param>
/// <param name="Reason">A sentence for the operator, without secrets; null when nothing failed.</param>
/// <param name="RetryAfter">For <see cref="SinkFailure.Transient"/>: not before, as the other side asks.</param>
public readonly record struct SinkResult(
    int Delivered, SinkFailure Failure, int RefusedCount, string? Reason, TimeSpan? RetryAfter)
{
    /// <summary>All is delivered; also the answer of an <see cref="IEndpointSink.OpenAsync"/> that succeeded.</summary>
    public static SinkResult Done(int delivered = 0) => new(delivered, SinkFailure.None, 0, null, null);

    /// <summary>The first are delivered; the rest should be tried again later.</summary>
    public static SinkResult Retry(string reason, int delivered = 0, TimeSpan? retryAfter = null) =>
        new(delivered, SinkFailure.Transient, 0, reason, retryAfter);

    /// <summary>The first are delivered; the <paramref name="refused"/> that follow are not wanted.</summary>
    public static SinkResult Refuse(string reason, int refused, int delivered = 0) =>
        new(delivered, SinkFailure.Refused, refused, reason, null);
}
