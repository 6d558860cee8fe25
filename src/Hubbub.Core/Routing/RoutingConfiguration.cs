using System.Collections.Immutable;

namespace Hubbub.Core.Routing;

/// <summary>All that decides where messages go. A change makes a new one, which takes effect as a whole.</summary>
public sealed record RoutingConfiguration
{
    /// <summary>A hub without routes: all telemetry goes to the built-in events.</summary>
    public static RoutingConfiguration Empty { get; } = new();

    public ImmutableArray<RouteEndpoint> Endpoints { get; init; } = [];

    public ImmutableArray<Route> Routes { get; init; } = [];

    public FallbackRoute Fallback { get; init; } = new();

    public ImmutableArray<Enrichment> Enrichments { get; init; } = [];

    /// <summary>The custom endpoint of a name, ignoring case; null when there is none.</summary>
    public RouteEndpoint? FindEndpoint(string name) =>
        Endpoints.FirstOrDefault(e => e.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The route of a name, ignoring case; null when there is none.</summary>
    public Route? FindRoute(string name) =>
        Routes.FirstOrDefault(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The enrichment of a key; null when there is none.</summary>
    public Enrichment? FindEnrichment(string key) => Enrichments.FirstOrDefault(e => e.Key == key);
}
