namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Told what an operator should know about an endpoint's deliveries. Must return at once.</summary>
public interface IDispatchObserver
{
    /// <summary>The endpoint's health has changed.</summary>
    void OnHealthChanged(string endpoint, EndpointHealth health, string? reason);

    /// <summary>Events were put aside as dead letters.</summary>
    void OnDeadLettered(string endpoint, long firstSequenceNumber, int count, string reason);

    /// <summary>Retention (or an operator's decision) removed events before they could be delivered.</summary>
    void OnLost(string endpoint, long firstSequenceNumber, long count);

    /// <summary>
    /// The stored position lies behind the end of the stream, which so is another one: it starts anew.
    /// </summary>
    void OnPositionReset(string endpoint, long storedSequenceNumber, long lastSequenceNumber);

    /// <summary>A defect in the hub; the delivery is tried again.</summary>
    void OnFault(string endpoint, Exception fault);
}
