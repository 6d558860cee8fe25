using System.Text.Json;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Json;
using Hubbub.Core.Security;
using Hubbub.Server.Routing;

namespace Hubbub.Server.Http;

/// <summary>
/// Hubbub's own administration of routing (docs/wire/routing.md): whole configurations, single routes, endpoints and
/// enrichments. Azure does this in its resource manager.
/// </summary>
internal sealed class RoutingApi(HubRouting routing, TimeProvider time)
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/hubbub/routing", "Shows all of routing, without secrets.", ShowAsync) { Gives = "Routing" },
        new("PUT", "/hubbub/routing", "Replaces all of routing, at once or not at all.", ReplaceAsync)
        {
            Takes = "Routing", Gives = "Routing", Parameters = ["dryRun"],
        },
        new("GET", "/hubbub/routing/routes/{name}", "Shows a route.",
            request => AnswerAsync(request, "route", null, WriteRoute))
        {
            Gives = "Route",
        },
        new("PUT", "/hubbub/routing/routes/{name}", "Makes or changes a route.", PutRouteAsync)
        {
            Takes = "Route", Gives = "Route",
        },
        new("DELETE", "/hubbub/routing/routes/{name}", "Removes a route.",
            request => RemoveAsync(request, static (c, name) => RoutingChanges.RemoveRoute(c, name))),
        new("PUT", "/hubbub/routing/fallback", "Changes the fallback route.", PutFallbackAsync)
        {
            Takes = "FallbackRoute", Gives = "FallbackRoute",
        },
        new("GET", "/hubbub/routing/endpoints/{name}", "Shows an endpoint and how it does.",
            request => AnswerAsync(request, "endpoint", null, WriteEndpoint))
        {
            Gives = "Endpoint", Parameters = ["keys"],
        },
        new("PUT", "/hubbub/routing/endpoints/{name}", "Makes or changes an endpoint.", PutEndpointAsync)
        {
            Takes = "Endpoint", Gives = "Endpoint", Parameters = ["keys"],
        },
        new("DELETE", "/hubbub/routing/endpoints/{name}", "Removes an endpoint and the events that it holds.",
            request => RemoveAsync(request, static (c, name) => RoutingChanges.RemoveEndpoint(c, name))),
        new("GET", "/hubbub/routing/enrichments/{name}", "Shows an enrichment.",
            request => AnswerAsync(request, "enrichment", null, WriteEnrichment)) { Gives = "Enrichment" },
        new("PUT", "/hubbub/routing/enrichments/{name}", "Makes or changes an enrichment.", PutEnrichmentAsync)
        {
            Takes = "Enrichment", Gives = "Enrichment",
        },
        new("DELETE", "/hubbub/routing/enrichments/{name}", "Removes an enrichment.",
            request => RemoveAsync(request, static (c, name) => RoutingChanges.RemoveEnrichment(c, name))),
        new("POST", "/hubbub/routing/test", "Says of a message which routes want it, and why others do not.", TestAsync)
        {
            Takes = "RouteTest", Gives = "RouteTestResult[]",
        },
        .. ConsumerGroupApi.OfEndpoints(routing.Streams).Routes,
    ];

    private async Task<HubError?> ShowAsync(ApiRequest request)
    {
        if (request.Require(Administration.Required) is { } refusal)
            return refusal;
        await request.WriteAsync(WriteAll);
        return null;
    }

    private async Task<HubError?> ReplaceAsync(ApiRequest request)
    {
        if (request.Require(Administration.Required) is { } refusal)
            return refusal;
        var json = await request.ReadJsonAsync();
        if (!json.IsOk)
            return json.Error;
        HubResult<RoutingConfiguration> Read(RoutingConfiguration current) =>
            RoutingJson.Read(json.Value, current, time.GetUtcNow());
        var changed = request.Target.Query("dryRun") is "true"
            ? routing.Registry.Check(Read)
            : await routing.Registry.ChangeAsync(Read, request.Aborted);
        if (changed.IsOk)
            await request.WriteAsync(writer => RoutingJson.Write(writer, changed.Value));
        return changed.Error;
    }

    private Task<HubError?> PutRouteAsync(ApiRequest request) => AnswerAsync(
        request,
        "route",
        (current, json) => RoutingJson.ReadRoute(json, request["name"]) is var read && read.IsOk
            ? RoutingChanges.PutRoute(current, read.Value)
            : read.Error!,
        WriteRoute);

    private Task<HubError?> PutFallbackAsync(ApiRequest request) => AnswerAsync(
        request,
        "route",
        static (current, json) => RoutingJson.ReadFallback(json) is var read && read.IsOk
            ? current with { Fallback = read.Value }
            : read.Error!,
        static (writer, current, _) =>
        {
            RoutingJson.Write(writer, current.Fallback);
            return true;
        });

    private Task<HubError?> PutEndpointAsync(ApiRequest request) => AnswerAsync(
        request,
        "endpoint",
        (current, json) =>
            EndpointJson.Read(json, request["name"], current.FindEndpoint, time.GetUtcNow()) is var read && read.IsOk
                ? RoutingChanges.PutEndpoint(current, read.Value)
                : read.Error!,
        WriteEndpoint);

    private Task<HubError?> PutEnrichmentAsync(ApiRequest request) => AnswerAsync(
        request,
        "enrichment",
        (current, json) => RoutingJson.ReadEnrichment(json, request["name"]) is var read && read.IsOk
            ? RoutingChanges.PutEnrichment(current, read.Value)
            : read.Error!,
        WriteEnrichment);

    private async Task<HubError?> TestAsync(ApiRequest request)
    {
        if (request.Require(Administration.Required) is { } refusal)
            return refusal;
        var json = await request.ReadJsonAsync();
        if (!json.IsOk)
            return json.Error;
        var trials = RouteTestJson.Try(json.Value, routing, time);
        if (trials.IsOk)
            await request.WriteAsync(writer => RouteTestJson.Write(writer, trials.Value));
        return trials.Error;
    }

    /// <summary>Changes the configuration, or only looks, and answers with the part that is named.</summary>
    private async Task<HubError?> AnswerAsync(
        ApiRequest request,
        string what,
        Func<RoutingConfiguration, JsonElement, HubResult<RoutingConfiguration>>? change,
        Func<Utf8JsonWriter, RoutingConfiguration, ApiRequest, bool> write)
    {
        if (request.Require(Administration.Required) is { } refusal)
            return refusal;
        var configuration = routing.Registry.Table.Configuration;
        if (change is not null)
        {
            var json = await request.ReadJsonAsync();
            if (!json.IsOk)
                return json.Error;
            var changed = await routing.Registry.ChangeAsync(
                current => change(current, json.Value), request.Aborted);
            if (!changed.IsOk)
                return changed.Error;
            configuration = changed.Value;
        }
        var isThere = false;
        var body = ApiJson.Text(writer => isThere = write(writer, configuration, request));
        if (!isThere)
            return RoutingChanges.NotFound(what, request["name"]);
        await request.WriteAsync(body);
        return null;
    }

    private async Task<HubError?> RemoveAsync(
        ApiRequest request, Func<RoutingConfiguration, string, HubResult<RoutingConfiguration>> remove)
    {
        if (request.Require(Administration.Required) is { } refusal)
            return refusal;
        var changed = await routing.Registry.ChangeAsync(current => remove(current, request["name"]), request.Aborted);
        if (changed.IsOk)
            request.NoContent();
        return changed.Error;
    }

    private void WriteAll(Utf8JsonWriter writer) => RoutingJson.Write(writer, routing.Registry.Table.Configuration);

    private static bool WriteRoute(Utf8JsonWriter writer, RoutingConfiguration current, ApiRequest request)
    {
        if (current.FindRoute(request["name"]) is not { } route)
            return false;
        RoutingJson.Write(writer, route);
        return true;
    }

    private static bool WriteEnrichment(Utf8JsonWriter writer, RoutingConfiguration current, ApiRequest request)
    {
        if (current.FindEnrichment(request["name"]) is not { } enrichment)
            return false;
        RoutingJson.Write(writer, enrichment);
        return true;
    }

    private bool WriteEndpoint(Utf8JsonWriter writer, RoutingConfiguration current, ApiRequest request)
    {
        if (current.FindEndpoint(request["name"]) is not { } endpoint)
            return false;
        var withSecrets = request.Target.Query("keys") is "true";
        EndpointJson.Write(writer, endpoint, withSecrets, more =>
        {
            more.WriteString("createdAt", IdentityText.Time(endpoint.CreatedAt));
            more.WriteString("entity", endpoint.EntityName);
            if (routing.Streams.Find(endpoint.Name)?.Status is { } status)
                EndpointStatusJson.Write(more, status);
        });
        return true;
    }
}
