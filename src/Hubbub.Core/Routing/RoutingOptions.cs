using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Core.Routing;

/// <summary>How much routing a hub allows; set where it is started.</summary>
public sealed record RoutingOptions
{
    /// <summary>Routes, enabled or not.</summary>
    public int RoutesMax { get; init; } = 100;

    /// <summary>Endpoints besides the built-in one.</summary>
    public int EndpointsMax { get; init; } = 10;

    public int EnrichmentsMax { get; init; } = 10;

    /// <summary>What sinks may reach.</summary>
    public required SinkPolicy Sinks { get; init; }

    /// <summary>Who makes sinks besides those that every hub has.</summary>
    public IReadOnlyList<IEndpointSinkFactory> SinkFactories { get; init; } = [];

    /// <summary>The first thing that is wrong, as a sentence with its remedy; null when nothing is.</summary>
    public string? Validate()
    {
        if (EndpointsMax is < 0 or > RoutingLimits.EndpointsMax - 1)
            return $"A hub may have 0 to {RoutingLimits.EndpointsMax - 1} custom endpoints, not {EndpointsMax}.";
        if (RoutesMax is < 0 or > RoutingLimits.RoutesMax)
            return $"A hub may have 0 to {RoutingLimits.RoutesMax} routes, not {RoutesMax}.";
        return EnrichmentsMax is < 0 or > RoutingLimits.EnrichmentsMax
            ? $"A hub may have 0 to {RoutingLimits.EnrichmentsMax} enrichments, not {EnrichmentsMax}."
            : null;
    }
}
