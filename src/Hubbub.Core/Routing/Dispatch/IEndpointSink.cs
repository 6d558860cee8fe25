namespace Hubbub.Core.Routing.Dispatch;

/// <summary>
/// Where the events of a custom endpoint go in the end: a web server, files, another broker. One dispatcher calls it,
/// one call at a time. Failures of the other side are results; an exception is a bug, and is treated as a transient
/// failure.
/// </summary>
public interface IEndpointSink : IAsyncDisposable
{
    /// <summary>
    /// What the sink wants to be given at its next <see cref="OpenAsync"/>, stored with the position; null for nothing.
    /// At most <see cref="DispatchLimits.SinkStateLengthMax"/> characters.
    /// </summary>
    string? State { get; }

    /// <summary>Called before the first delivery, and again until it succeeds.</summary>
    /// <param name="state">The <see cref="State"/> that was stored last; null for a new endpoint.</param>
    ValueTask<SinkResult> OpenAsync(string? state, CancellationToken cancellationToken);

    /// <summary>
    /// Delivers events in order. What the result counts as delivered must be as durable as the other side can make it,
    /// for its position is stored and it is never sent again.
    /// </summary>
    /// <param name="events">One event at least; valid until the call returns.</param>
    /// <param name="batchId">
    /// Names these events as a batch; the same whenever the same events are delivered again, so that a receiver can
    /// tell a repetition.
    /// </param>
    ValueTask<SinkResult> DeliverAsync(
        ReadOnlyMemory<StoredEvent> events, string batchId, CancellationToken cancellationToken);
}
