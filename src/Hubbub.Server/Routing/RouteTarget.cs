using Hubbub.Core.Events;
using Hubbub.Core.Routing;

namespace Hubbub.Server.Routing;

/// <summary>An endpoint as senders see it.</summary>
/// <param name="Endpoint">Its name.</param>
/// <param name="Log">Its stream.</param>
/// <param name="Pairs">What is added to each message on the way there; null for nothing.</param>
internal sealed record RouteTarget(string Endpoint, IEventLog Log, EnrichmentPairs? Pairs);

/// <summary>
/// The routes in force with the streams behind them. Immutable, so that a change is seen whole or not.
/// </summary>
internal sealed class RoutingState(RouteTable table, RouteTarget[] targets)
{
    public RouteTable Table => table;

    /// <summary>By their number in the table; the built-in one first.</summary>
    public RouteTarget[] Targets => targets;

    /// <summary>
    /// True: every message goes to the built-in endpoint as it came, and nothing has to be looked at.
    /// </summary>
    public bool IsDirect { get; } = !table.HasRoutes && targets[0].Pairs is null;
}
