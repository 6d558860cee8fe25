namespace Hubbub.Core.Routing;

/// <summary>The single changes that people make, as functions from one configuration to the next.</summary>
public static class RoutingChanges
{
    public static HubResult<RoutingConfiguration> PutRoute(RoutingConfiguration current, Route route)
    {
        var old = current.FindRoute(route.Name);
        return current with { Routes = old is null ? current.Routes.Add(route) : current.Routes.Replace(old, route) };
    }

    public static HubResult<RoutingConfiguration> RemoveRoute(RoutingConfiguration current, string name) =>
        current.FindRoute(name) is { } route
            ? current with { Routes = current.Routes.Remove(route) }
            : NotFound("route", name);

    public static HubResult<RoutingConfiguration> PutEndpoint(RoutingConfiguration current, RouteEndpoint endpoint)
    {
        var old = current.FindEndpoint(endpoint.Name);
        return current with
        {
            Endpoints = old is null ? current.Endpoints.Add(endpoint) : current.Endpoints.Replace(old, endpoint),
        };
    }

    /// <summary>Removes an endpoint that nothing leads to any more; its events are removed with it.</summary>
    public static HubResult<RoutingConfiguration> RemoveEndpoint(RoutingConfiguration current, string name)
    {
        if (current.FindEndpoint(name) is not { } endpoint)
            return NotFound("endpoint", name);
        bool IsIt(string used) => used.Equals(endpoint.Name, StringComparison.OrdinalIgnoreCase);
        var user = current.Routes.FirstOrDefault(r => IsIt(r.Endpoint)) is { } route ? $"the route '{route.Name}'"
            : current.Enrichments.FirstOrDefault(e => e.Endpoints.Any(IsIt)) is { } enrichment
                ? $"the enrichment '{enrichment.Key}'"
            : IsIt(current.Fallback.Endpoint) ? "the fallback route"
            : null;
        return user is null
            ? current with { Endpoints = current.Endpoints.Remove(endpoint) }
            : new HubError(
                HubErrorCode.InvalidOperation,
                $"The endpoint '{endpoint.Name}' is in use by {user}; change that first.");
    }

    public static HubResult<RoutingConfiguration> PutEnrichment(RoutingConfiguration current, Enrichment enrichment)
    {
        var old = current.FindEnrichment(enrichment.Key);
        return current with
        {
            Enrichments = old is null
                ? current.Enrichments.Add(enrichment)
                : current.Enrichments.Replace(old, enrichment),
        };
    }

    public static HubResult<RoutingConfiguration> RemoveEnrichment(RoutingConfiguration current, string key) =>
        current.FindEnrichment(key) is { } enrichment
            ? current with { Enrichments = current.Enrichments.Remove(enrichment) }
            : NotFound("enrichment", key);

    public static HubError NotFound(string what, string name) => new(
        HubErrorCode.EntityNotFound,
        $"The {what} "
        + $"'{(name.Length <= RoutingLimits.NameLengthMax ? name : name[..RoutingLimits.NameLengthMax] + "...")}' "
        + "does not exist.");
}
