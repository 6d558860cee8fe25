using System.Text.Json;
using Hubbub.Core;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;
using Hubbub.Server.Routing;

namespace Hubbub.Server.Http;

/// <summary>The request and the answer of a trial of routes.</summary>
internal static class RouteTestJson
{
    /// <summary>
    /// Tries the routes in force on <c>{"message":{...}}</c>, or on <c>{"last":N,"endpoint":"events"}</c>.
    /// </summary>
    public static HubResult<IReadOnlyList<RouteTrial>> Try(JsonElement json, HubRouting routing, TimeProvider time)
    {
        if (json.ValueKind != JsonValueKind.Object)
            return Invalid("The body must be an object with message, or with last.");
        var configuration = routing.Registry.Table.Configuration;
        if (json.TryGetProperty("message", out var message))
        {
            var sample = SampleMessage.Read(message);
            return sample.IsOk
                ? HubResult(RouteTrial.Of(configuration, sample.Value))
                : sample.Error!;
        }
        if (!json.TryGetProperty("last", out var last) || last.ValueKind != JsonValueKind.Number
            || !last.TryGetInt32(out var count) || count is < 1 or > ApiLimits.TrialEventsMax)
            return Invalid(
                "The body must have a message, or how many of the last events to try: "
                + $"1 to {ApiLimits.TrialEventsMax}.");
        var name = json.TryGetProperty("endpoint", out var endpoint) && endpoint.ValueKind == JsonValueKind.String
            ? endpoint.GetString()!
            : RouteEndpoint.BuiltIn;
        var log = name.Equals(RouteEndpoint.BuiltIn, StringComparison.OrdinalIgnoreCase)
            ? routing.Entities.BuiltIn.Log
            : routing.Streams.Find(name)?.Log;
        return log is null
            ? RoutingChanges.NotFound("endpoint", name)
            : HubResult([.. RouteTrial.OfNewest(configuration, log, count, time)]);
    }

    /// <summary>Writes trials as a list.</summary>
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<RouteTrial> trials)
    {
        writer.WriteStartArray();
        foreach (var trial in trials)
        {
            writer.WriteStartObject();
            writer.WriteString("message", trial.Message);
            writer.WriteStartArray("endpoints");
            foreach (var endpoint in trial.Endpoints)
                writer.WriteStringValue(endpoint);
            writer.WriteEndArray();
            writer.WriteStartArray("routes");
            foreach (var tried in trial.Routes)
                Write(writer, tried);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, TriedRoute tried)
    {
        writer.WriteStartObject();
        writer.WriteString("name", tried.Route.Name);
        writer.WriteString("endpoint", tried.Route.Endpoint);
        writer.WriteBoolean("matches", tried.Matches);
        writer.WriteString("why", tried.Why);
        writer.WritePropertyName("condition");
        Write(writer, tried.Clause);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ConditionClause clause)
    {
        writer.WriteStartObject();
        writer.WriteString("text", clause.Text);
        writer.WriteString("value", clause.Value.ToString().ToLowerInvariant());
        writer.WriteString("reason", clause.Reason);
        if (clause.Parts.Count > 0)
        {
            writer.WriteStartArray("parts");
            foreach (var part in clause.Parts)
                Write(writer, part);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    private static HubResult<IReadOnlyList<RouteTrial>> HubResult(params RouteTrial[] trials) => trials;

    private static HubError Invalid(string why) => new(HubErrorCode.ArgumentInvalid, why);
}
