namespace Hubbub.Core.Routing.Dispatch;

/// <summary>
/// Keeps durably how far each custom endpoint has come. Safe for concurrent use. A write returns null when it is on
/// stable storage, else why nothing was written (a full disk).
/// </summary>
public interface IEndpointPositionStore
{
    /// <param name="endpoint">
    /// The key of the endpoint's stream: an endpoint that is made anew under an old name has a new stream, so either it
    /// has another key or the old position was deleted.
    /// </param>
    /// <returns>Null when nothing was delivered yet.</returns>
    ValueTask<EndpointPosition?> LoadPositionAsync(string endpoint, CancellationToken cancellationToken);

    ValueTask<HubError?> SavePositionAsync(
        string endpoint, EndpointPosition position, CancellationToken cancellationToken);

    ValueTask<HubError?> DeletePositionAsync(string endpoint, CancellationToken cancellationToken);
}

/// <summary>How far an endpoint has come.</summary>
/// <param name="SequenceNumber">
/// The last event of its stream that was delivered, or given up as a dead letter; -1: none.
/// </param>
/// <param name="SinkState">What the sink wants back (<see cref="IEndpointSink.State"/>).</param>
public sealed record EndpointPosition(long SequenceNumber, string? SinkState);
