using System.Collections.Concurrent;
using Hubbub.Core;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// What one endpoint has asked of the domain and waits for: results gather here, from any thread, and the writing side
/// takes them. Bounded by the link's deliveries.
/// </summary>
internal sealed class PendingResults(LinkEndpoint endpoint)
{
    private readonly ConcurrentQueue<Result> _done = new();
    private int _count;

    /// <summary>True while a result was not taken.</summary>
    public bool HasAny => Volatile.Read(ref _count) > 0;

    /// <summary>The result of what one delivery asked for.</summary>
    /// <param name="DeliveryId">The delivery.</param>
    /// <param name="WasSettled">Its sender wants no answer.</param>
    /// <param name="Error">Null when it was done.</param>
    public readonly record struct Result(uint DeliveryId, bool WasSettled, HubError? Error);

    public void Add(uint deliveryId, bool wasSettled, ValueTask<HubError?> operation)
    {
        Interlocked.Increment(ref _count);
        if (operation.IsCompletedSuccessfully)
            Finish(new Result(deliveryId, wasSettled, operation.Result));
        else
            _ = WhenDoneAsync(deliveryId, wasSettled, operation);
    }

    public bool TryTake(out Result result)
    {
        if (!_done.TryDequeue(out result))
            return false;
        Interlocked.Decrement(ref _count);
        return true;
    }

    // Never faults; the endpoint hears of every end.
    private async Task WhenDoneAsync(uint deliveryId, bool wasSettled, ValueTask<HubError?> operation)
    {
        HubError? error;
        try
        {
            error = await operation.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A bug costs the peer this one message; the log has the rest.
        catch (Exception e)
#pragma warning restore CA1031
        {
            var connection = endpoint.Connection;
            connection.Services.Logger.AmqpOperationFailed(connection.Peer.ConnectionId, e);
            error = new HubError(HubErrorCode.ServerError, "The hub failed to do it; its log has the reason.");
        }
        Finish(new Result(deliveryId, wasSettled, error));
    }

    private void Finish(Result result)
    {
        _done.Enqueue(result);
        endpoint.Connection.Wake(endpoint);
    }
}
