namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Where events go that an endpoint could not be given.</summary>
public interface IDeadLetters
{
    /// <summary>Stores events with the reason; null when they are on stable storage, else why they are not.</summary>
    /// <param name="events">Valid until the call returns.</param>
    ValueTask<HubError?> AddAsync(
        ReadOnlyMemory<StoredEvent> events, string reason, CancellationToken cancellationToken);
}
