namespace Hubbub.Client.Events;

/// <summary>The events from a place on: each enumeration subscribes anew.</summary>
/// <param name="subscribe">Makes a subscription.</param>
/// <param name="cancellationToken">Ends every enumeration.</param>
internal sealed class EventSequence(
    Func<CancellationToken, Task<EventSubscription>> subscribe, CancellationToken cancellationToken)
    : IAsyncEnumerable<ReceivedEvent>
{
    private readonly CancellationToken _cancellationToken = cancellationToken;

    public IAsyncEnumerator<ReceivedEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        new EventEnumerator(subscribe, _cancellationToken, cancellationToken);
}
