using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub route ...</c>: which messages go where.</summary>
internal static class RouteCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The route's name." };

    private static readonly Option<string> Endpoint = new("--endpoint")
    {
        Description = "Where the messages go: the name of an endpoint, or events.",
        HelpName = "NAME",
        Required = true,
    };

    private static readonly Option<string> Condition = new("--condition")
    {
        Description = "Which messages, in the routing query language, as \"level = 'critical'\".",
        HelpName = "QUERY",
        DefaultValueFactory = _ => "true",
    };

    private static readonly Option<string?> Source =
        new("--source") { Description = "What the route listens to. Default: DeviceMessages.", HelpName = "SOURCE" };

    private static readonly Option<bool> Disabled =
        new("--disabled") { Description = "Keep the route, but do not use it." };

    private static readonly Option<string?> FallbackEndpoint = new("--endpoint")
    {
        Description = "Where telemetry goes that no route wants. Default: events.",
        HelpName = "NAME",
    };

    private static readonly Option<bool> Off = new("--off") { Description = "Drop telemetry that no route wants." };

    private static readonly Argument<string> RoutingFile =
        new("FILE") { Description = "Endpoints, routes, the fallback and enrichments as JSON; - is standard input." };

    private static readonly Option<bool> DryRun =
        new("--dry-run") { Description = "Check the file against this hub and change nothing." };

    public static Command Create() => new("route", "Say which messages go to which endpoint.")
    {
        HubVerb.Create("add", "Make or change a route.", AddAsync, Name, Endpoint, Condition, Source, Disabled),
        HubVerb.Create("list", "List the routes and the fallback.", ListAsync),
        HubVerb.Create("show", "Show a route.", ShowAsync, Name),
        HubVerb.Create("remove", "Remove a route.", RemoveAsync, Name),
        HubVerb.Create(
            "fallback", "Say what becomes of telemetry that no route wants.", FallbackAsync, FallbackEndpoint, Off),
        HubVerb.Create(
            "apply", "Replace all of routing by a file, at once or not at all.", ApplyAsync, RoutingFile, DryRun),
        RouteTestCommand.Create(),
    };

    private static async Task<int> AddAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        var body = new JsonObject
        {
            ["condition"] = parsed.GetValue(Condition),
            ["endpoint"] = parsed.GetValue(Endpoint),
            ["enabled"] = !parsed.GetValue(Disabled),
        };
        if (parsed.GetValue(Source) is { } source)
            body["source"] = source;
        return await PutAsync(
            parsed, RoutingRest.PathOf("routes", name), body, $"route '{name}' was not added", cancellationToken);
    }

    private static async Task<int> FallbackAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["enabled"] = !parsed.GetValue(Off) };
        if (parsed.GetValue(FallbackEndpoint) is { } endpoint)
            body["endpoint"] = endpoint;
        return await PutAsync(
            parsed, $"{RoutingRest.Path}/fallback", body, "the fallback route was not changed", cancellationToken);
    }

    private static async Task<int> PutAsync(
        ParseResult parsed, string path, JsonObject body, string what, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var changed = await rest.SendAsync(HttpMethod.Put, path, body.ToJsonString(), null, what, cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            RoutingRest.Print(changed, isJson: true);
        return ExitCode.Done;
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var all = await rest.SendAsync(
            HttpMethod.Get, RoutingRest.Path, null, null, "routes were not listed", cancellationToken);
        if (all is not { } routing)
            return ExitCode.Done;
        var routes = routing.GetProperty("routes").EnumerateArray().ToList();
        if (parsed.GetValue(HubVerb.Json))
        {
            routes.ForEach(Output.JsonLine);
            return ExitCode.Done;
        }
        var fallback = routing.GetProperty("fallback");
        var isOn = fallback.GetProperty("enabled").GetBoolean();
        string[] last =
            ["(fallback)", "what no route wants", isOn ? Output.TextOf(fallback, "endpoint") : "dropped", ""];
        Output.Table(
            ["Route", "Condition", "Endpoint", ""],
            [.. routes.Select(static route => new[]
            {
                Output.TextOf(route, "name"),
                Output.TextOf(route, "condition"),
                Output.TextOf(route, "endpoint"),
                route.GetProperty("enabled").GetBoolean() ? "" : "disabled",
            }), last]);
        return ExitCode.Done;
    }

    private static async Task<int> ShowAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var route = await rest.SendAsync(
            HttpMethod.Get, RoutingRest.PathOf("routes", name), null, null, $"route '{name}' was not found",
            cancellationToken);
        RoutingRest.Print(route, parsed.GetValue(HubVerb.Json));
        return ExitCode.Done;
    }

    private static async Task<int> RemoveAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        await rest.SendAsync(
            HttpMethod.Delete, RoutingRest.PathOf("routes", name), null, null, $"route '{name}' was not removed",
            cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            Console.Out.WriteLine(new JsonObject { ["name"] = name, ["removed"] = true }.ToJsonString());
        return ExitCode.Done;
    }

    private static async Task<int> ApplyAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var file = parsed.GetValue(RoutingFile)!;
        var isDryRun = parsed.GetValue(DryRun);
        var text = await ReadAsync(file, cancellationToken);
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var path = isDryRun ? $"{RoutingRest.Path}?dryRun=true" : RoutingRest.Path;
        var applied = await rest.SendAsync(
            HttpMethod.Put, path, text, null, $"'{file}' was not applied", cancellationToken);
        if (applied is not { } routing)
            return ExitCode.Done;
        if (parsed.GetValue(HubVerb.Json))
        {
            Output.JsonLine(routing);
            return ExitCode.Done;
        }
        var (endpoints, routes, enrichments) =
            (Count(routing, "endpoints"), Count(routing, "routes"), Count(routing, "enrichments"));
        Console.Out.WriteLine(
            $"{(isDryRun ? "The file is right" : "In force")}: {routes} routes, {endpoints} endpoints, "
            + $"{enrichments} enrichments.");
        return ExitCode.Done;
    }

    private static int Count(JsonElement routing, string things) => routing.GetProperty(things).GetArrayLength();

    /// <summary>The text of a file, or of standard input.</summary>
    internal static async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return file == "-"
                ? await Console.In.ReadToEndAsync(cancellationToken)
                : await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"'{file}' cannot be read: {e.Message}", inner: e);
        }
    }
}
