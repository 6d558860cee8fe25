using Hubbub.Core.Events;
using Hubbub.Core.Routing;

namespace Hubbub.Server.Routing;

/// <summary>What all senders look at: the routes in force, and the counters of what became of messages.</summary>
internal sealed class TelemetryRouter(HubMetrics metrics, RoutingState state)
{
    private volatile RoutingState _state = state;

    public RoutingState State => _state;

    public HubMetrics Metrics => metrics;

    /// <summary>A router of a hub without routes.</summary>
    public static TelemetryRouter To(IEventLog events, HubMetrics metrics)
    {
        var table = RouteTable.Compile(RoutingConfiguration.Empty).Value;
        return new TelemetryRouter(
            metrics, new RoutingState(table, [new RouteTarget(RouteEndpoint.BuiltIn, events, null)]));
    }

    /// <summary>From the next message on, senders go by this.</summary>
    public void Switch(RoutingState state) => _state = state;
}
