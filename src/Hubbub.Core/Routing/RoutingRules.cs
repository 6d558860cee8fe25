using System.Buffers;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Core.Routing;

/// <summary>What a configuration must obey as a whole: names, numbers, and that everything named is there.</summary>
public static class RoutingRules
{
    private static readonly SearchValues<char> NameAlphabet = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Names that mean something else, in the service or as the beginning of an address.</summary>
    private static readonly string[] ReservedNames =
        [RouteEndpoint.BuiltIn, "fileNotifications", "$default", "devices", "messages"];

    /// <summary>The first rule that a configuration breaks, or null.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="options">What the hub allows.</param>
    /// <param name="builtInEntity">The name of the built-in events' entity, which no other may have.</param>
    public static HubError? Check(RoutingConfiguration configuration, RoutingOptions options, string builtInEntity)
    {
        return TooMany("routes", configuration.Routes.Length, options.RoutesMax)
            ?? TooMany("custom endpoints", configuration.Endpoints.Length, options.EndpointsMax)
            ?? TooMany("enrichments", configuration.Enrichments.Length, options.EnrichmentsMax)
            ?? Twice("endpoint", configuration.Endpoints.Select(static e => e.Name), StringComparer.OrdinalIgnoreCase)
            ?? Twice(
                "entity", configuration.Endpoints.Select(static e => e.EntityName), StringComparer.OrdinalIgnoreCase)
            ?? Twice("route", configuration.Routes.Select(static r => r.Name), StringComparer.OrdinalIgnoreCase)
            ?? Twice("enrichment", configuration.Enrichments.Select(static e => e.Key), StringComparer.Ordinal)
            ?? First(configuration.Endpoints, e => Check(e, options.Sinks, builtInEntity))
            ?? First(configuration.Routes, r => Check(r, configuration))
            ?? First(configuration.Enrichments, e => Check(e, configuration))
            ?? Known(configuration, configuration.Fallback.Endpoint, "The fallback route");
    }

    private static HubError? Check(RouteEndpoint endpoint, SinkPolicy policy, string builtInEntity)
    {
        if (!IsName(endpoint.Name))
            return BadName("endpoint", endpoint.Name);
        if (ReservedNames.Contains(endpoint.Name, StringComparer.OrdinalIgnoreCase)
            || endpoint.Name.Equals(builtInEntity, StringComparison.OrdinalIgnoreCase)
            || endpoint.EntityName.Equals(builtInEntity, StringComparison.OrdinalIgnoreCase))
            return Invalid($"The endpoint name '{endpoint.Name}' is reserved; choose another.");
        var stream = endpoint.Stream;
        if (stream.Partitions is < 1 or > RoutingLimits.StreamPartitionsMax)
        {
            return Invalid(
                $"The endpoint '{endpoint.Name}' may have 1 to {RoutingLimits.StreamPartitionsMax} partitions, not "
                + $"{stream.Partitions}.");
        }
        if (endpoint.Sink is not null && stream.Partitions != 1)
            return Invalid($"The endpoint '{endpoint.Name}' delivers in one order, so it must have 1 partition.");
        if (stream.Retention < TimeSpan.FromMinutes(1) || stream.RetentionBytes is < 1 << 20)
            return Invalid($"The endpoint '{endpoint.Name}' must keep events for 1 minute and 1 MiB at least.");
        if ((endpoint.Sink?.Validate(policy) ?? endpoint.Dispatch?.Validate()) is { } problem)
            return Invalid($"The endpoint '{endpoint.Name}' is refused. {problem}");
        return null;
    }

    private static HubError? Check(Route route, RoutingConfiguration configuration) =>
        IsName(route.Name)
            ? Known(configuration, route.Endpoint, $"The route '{route.Name}'")
            : BadName("route", route.Name);

    private static HubError? Check(Enrichment enrichment, RoutingConfiguration configuration)
    {
        if (!IsName(enrichment.Key))
            return BadName("enrichment", enrichment.Key);
        var value = enrichment.Value;
        if (value.Length is 0 or > RoutingLimits.EnrichmentLengthMax)
        {
            return Invalid(
                $"The value of the enrichment '{enrichment.Key}' must have 1 to {RoutingLimits.EnrichmentLengthMax} "
                + "characters.");
        }
        if (value[0] == '$' && value != Enrichment.HubName && !IsTwinPath(value))
        {
            return Invalid(
                $"The value '{value}' of the enrichment '{enrichment.Key}' must be a text, {Enrichment.HubName}, "
                + "$twin.tags.<path>, $twin.properties.desired.<path> or $twin.properties.reported.<path>.");
        }
        if (enrichment.Endpoints.IsDefaultOrEmpty)
            return Invalid($"The enrichment '{enrichment.Key}' must name an endpoint at least.");
        return First(enrichment.Endpoints, e => Known(configuration, e, $"The enrichment '{enrichment.Key}'"));
    }

    private static bool IsTwinPath(string value)
    {
        ReadOnlySpan<string> prefixes = ["$twin.tags.", "$twin.properties.desired.", "$twin.properties.reported."];
        foreach (var prefix in prefixes)
        {
            if (value.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                return Query.JsonPath.Parse(value.AsSpan(prefix.Length), out _) is not null;
        }
        return false;
    }

    private static HubError? Known(RoutingConfiguration configuration, string endpoint, string who) =>
        endpoint.Equals(RouteEndpoint.BuiltIn, StringComparison.OrdinalIgnoreCase)
            || configuration.FindEndpoint(endpoint) is not null
            ? null
            : Invalid($"{who} leads to the endpoint '{Shorten(endpoint)}', which does not exist.");

    private static HubError? First<T>(IEnumerable<T> items, Func<T, HubError?> check) =>
        items.Select(check).FirstOrDefault(static error => error is not null);

    private static HubError? TooMany(string what, int count, int max) => count <= max
        ? null
        : new(HubErrorCode.QuotaExceeded, $"There would be {count} {what}; this hub allows {max}.");

    private static HubError? Twice(string what, IEnumerable<string> names, StringComparer comparer)
    {
        var seen = new HashSet<string>(comparer);
        return First(
            names, name => seen.Add(name) ? null : Invalid($"The {what} '{Shorten(name)}' stands there twice."));
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= RoutingLimits.NameLengthMax && !name.AsSpan().ContainsAnyExcept(NameAlphabet)
        // What clients and proxies make of these in a path would name something else.
        && name is not ("." or "..");

    private static HubError BadName(string what, string name) => Invalid(
        $"The {what} name '{Shorten(name)}' is not valid: 1 to {RoutingLimits.NameLengthMax} ASCII letters, digits or "
        + ". _ - are allowed.");

    private static string Shorten(string name) =>
        name.Length <= RoutingLimits.NameLengthMax ? name : name[..RoutingLimits.NameLengthMax] + "...";

    private static HubError Invalid(string message) => new(HubErrorCode.ArgumentInvalid, message);
}
