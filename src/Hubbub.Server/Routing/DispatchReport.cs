using Hubbub.Core.Routing.Dispatch;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Routing;

/// <summary>Tells a person what the deliveries of custom endpoints met.</summary>
internal sealed class DispatchReport(ILogger logger) : IDispatchObserver
{
    public void OnHealthChanged(string endpoint, EndpointHealth health, string? reason)
    {
        if (health == EndpointHealth.Healthy)
            logger.EndpointHealthy(endpoint);
        else
            logger.EndpointFailing(endpoint, health, reason ?? "");
    }

    public void OnDeadLettered(string endpoint, long firstSequenceNumber, int count, string reason) =>
        logger.EndpointDeadLettered(endpoint, count, firstSequenceNumber, reason);

    public void OnLost(string endpoint, long firstSequenceNumber, long count) =>
        logger.EndpointEventsLost(endpoint, count, firstSequenceNumber);

    public void OnPositionReset(string endpoint, long storedSequenceNumber, long lastSequenceNumber) =>
        logger.EndpointPositionReset(endpoint, storedSequenceNumber, lastSequenceNumber);

    public void OnFault(string endpoint, Exception fault) => logger.EndpointFaulted(endpoint, fault);
}
