using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>Stands for an endpoint whose options this hub does not allow (any more): nothing is delivered.</summary>
/// <param name="reason">Why, and what to do.</param>
internal sealed class ForbiddenSink(string reason) : IEndpointSink
{
    public string? State => null;

    public ValueTask<SinkResult> OpenAsync(string? state, CancellationToken cancellationToken) =>
        ValueTask.FromResult(SinkResult.Retry(reason));

    public ValueTask<SinkResult> DeliverAsync(
        ReadOnlyMemory<StoredEvent> events, string batchId, CancellationToken cancellationToken) =>
        ValueTask.FromResult(SinkResult.Retry(reason));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
