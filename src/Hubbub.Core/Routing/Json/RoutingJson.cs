using System.Collections.Immutable;
using System.Text.Json;

namespace Hubbub.Core.Routing.Json;

/// <summary>
/// Routes, enrichments and whole configurations as JSON (docs/wire/routing.md). Reading checks the form; the rules
/// between the parts are <see cref="RoutingRules"/>.
/// </summary>
public static class RoutingJson
{
    /// <summary>Reads a route.</summary>
    /// <param name="json">The route.</param>
    /// <param name="name">Its name, where that is said elsewhere; null: the member name has it.</param>
    /// <param name="index">Its place in the document, for errors about a route without a name.</param>
    public static HubResult<Route> ReadRoute(JsonElement json, string? name = null, int index = 0)
    {
        var members = new JsonMembers(
            json, name is null ? JsonMembers.Called(json, "route", "name", index) : $"The route '{name}'");
        var itsName = NameOf(members, name);
        var source = RouteSource.DeviceMessages;
        if (members.Text("source") is { } text && !RouteSources.TryParse(text, out source))
            members.Fail($"must have one of {RouteSources.Names} as 'source'");
        // An empty condition is one that was left out.
        var condition = members.Text("condition");
        var route = new Route(
            itsName,
            source,
            string.IsNullOrWhiteSpace(condition) ? "true" : condition,
            members.Required("endpoint"),
            members.Flag("enabled", true));
        return members.Finish() is { } problem ? problem : route;
    }

    public static HubResult<Enrichment> ReadEnrichment(JsonElement json, string? key = null, int index = 0)
    {
        var members = new JsonMembers(
            json, key is null ? JsonMembers.Called(json, "enrichment", "key", index) : $"The enrichment '{key}'");
        var itsKey = key is null ? members.Required("key") : members.Text("key") ?? key;
        if (key is not null && key != itsKey)
            members.Fail("has another key in its JSON");
        var enrichment = new Enrichment(itsKey, members.Required("value"), [.. members.Texts("endpoints")]);
        return members.Finish() is { } problem ? problem : enrichment;
    }

    public static HubResult<FallbackRoute> ReadFallback(JsonElement json)
    {
        var members = new JsonMembers(json, "The fallback route");
        var fallback = new FallbackRoute(
            members.Text("endpoint") ?? RouteEndpoint.BuiltIn, members.Flag("enabled", true));
        return members.Finish() is { } problem ? problem : fallback;
    }

    /// <summary>Reads a whole configuration: what it does not name is not there.</summary>
    /// <param name="json">The document.</param>
    /// <param name="current">What is in force: endpoints that stay keep their streams and secrets.</param>
    /// <param name="now">The time, for new endpoints.</param>
    public static HubResult<RoutingConfiguration> Read(
        JsonElement json, RoutingConfiguration current, DateTimeOffset now)
    {
        var members = new JsonMembers(json, "The document");
        members.Ignore("$schema");
        HubError? problem = null;
        var endpoints = All(
            members.Objects("endpoints"), (e, i) => EndpointJson.Read(e, null, current.FindEndpoint, now, i),
            ref problem);
        var routes = All(members.Objects("routes"), static (e, i) => ReadRoute(e, null, i), ref problem);
        var enrichments = All(members.Objects("enrichments"), static (e, i) => ReadEnrichment(e, null, i), ref problem);
        var fallback = new FallbackRoute();
        if (members.Object("fallback") is { } fallbackJson)
        {
            var read = ReadFallback(fallbackJson);
            problem ??= read.Error;
            fallback = read.IsOk ? read.Value : fallback;
        }
        problem = members.Finish() ?? problem;
        return problem is not null
            ? problem
            : new RoutingConfiguration
            {
                Endpoints = endpoints,
                Routes = routes,
                Enrichments = enrichments,
                Fallback = fallback,
            };
    }

    /// <summary>Writes a whole configuration, without secrets.</summary>
    public static void Write(Utf8JsonWriter writer, RoutingConfiguration configuration)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("endpoints");
        foreach (var endpoint in configuration.Endpoints)
            EndpointJson.Write(writer, endpoint, withSecrets: false);
        writer.WriteEndArray();
        writer.WriteStartArray("routes");
        foreach (var route in configuration.Routes)
            Write(writer, route);
        writer.WriteEndArray();
        writer.WritePropertyName("fallback");
        Write(writer, configuration.Fallback);
        writer.WriteStartArray("enrichments");
        foreach (var enrichment in configuration.Enrichments)
            Write(writer, enrichment);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, Route route)
    {
        writer.WriteStartObject();
        writer.WriteString("name", route.Name);
        writer.WriteString("source", route.Source.ToString());
        writer.WriteString("condition", route.Condition);
        writer.WriteString("endpoint", route.Endpoint);
        writer.WriteBoolean("enabled", route.IsEnabled);
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, FallbackRoute fallback)
    {
        writer.WriteStartObject();
        writer.WriteString("endpoint", fallback.Endpoint);
        writer.WriteBoolean("enabled", fallback.IsEnabled);
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, Enrichment enrichment)
    {
        writer.WriteStartObject();
        writer.WriteString("key", enrichment.Key);
        writer.WriteString("value", enrichment.Value);
        writer.WriteStartArray("endpoints");
        foreach (var endpoint in enrichment.Endpoints)
            writer.WriteStringValue(endpoint);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static string NameOf(JsonMembers members, string? name)
    {
        var itsName = name is null ? members.Required("name") : members.Text("name") ?? name;
        if (name is not null && name != itsName)
            members.Fail("has another name in its JSON");
        return itsName;
    }

    private static ImmutableArray<T> All<T>(
        IEnumerable<JsonElement> list, Func<JsonElement, int, HubResult<T>> read, ref HubError? problem)
    {
        var all = ImmutableArray.CreateBuilder<T>();
        foreach (var (index, json) in list.Index())
        {
            var item = read(json, index);
            problem ??= item.Error;
            if (item.IsOk)
                all.Add(item.Value);
        }
        return all.DrainToImmutable();
    }
}
