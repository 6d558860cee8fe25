using System.CommandLine;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub enrichment ...</c>: properties that the hub adds to messages.</summary>
internal static class EnrichmentCommand
{
    private static readonly Argument<string> Key = new("KEY") { Description = "The property's name." };

    private static readonly Argument<string> Value =
        new("VALUE") { Description = "A text, $iothubname, or a path of the twin as $twin.tags.site." };

    private static readonly Option<string[]> Endpoint = new("--endpoint")
    {
        Description = "On the way to which endpoint; may be given more than once.",
        HelpName = "NAME",
        Required = true,
    };

    public static Command Create() => new("enrichment", "Add properties to messages on their way to endpoints.")
    {
        HubVerb.Create("add", "Make or change an enrichment.", AddAsync, Key, Value, Endpoint),
        HubVerb.Create("list", "List the enrichments.", ListAsync),
        HubVerb.Create("show", "Show an enrichment.", ShowAsync, Key),
        HubVerb.Create("remove", "Remove an enrichment.", RemoveAsync, Key),
    };

    private static async Task<int> AddAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var key = parsed.GetValue(Key)!;
        var body = new JsonObject
        {
            ["value"] = parsed.GetValue(Value),
            ["endpoints"] = new JsonArray([.. parsed.GetValue(Endpoint)!.Select(static e => (JsonNode)e)]),
        };
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var made = await rest.SendAsync(
            HttpMethod.Put, RoutingRest.PathOf("enrichments", key), body.ToJsonString(), null,
            $"enrichment '{key}' was not added", cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            RoutingRest.Print(made, isJson: true);
        return ExitCode.Done;
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var all = await RoutingRest.ListAsync(rest, "enrichments", cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
        {
            foreach (var enrichment in all)
                Output.JsonLine(enrichment);
            return ExitCode.Done;
        }
        Output.Table(
            ["Key", "Value", "Endpoints"],
            all.Select(static enrichment => new[]
            {
                Output.TextOf(enrichment, "key"),
                Output.TextOf(enrichment, "value"),
                string.Join(
                    ", ", enrichment.GetProperty("endpoints").EnumerateArray().Select(static e => e.GetString())),
            }));
        return ExitCode.Done;
    }

    private static async Task<int> ShowAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var key = parsed.GetValue(Key)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var enrichment = await rest.SendAsync(
            HttpMethod.Get, RoutingRest.PathOf("enrichments", key), null, null, $"enrichment '{key}' was not found",
            cancellationToken);
        RoutingRest.Print(enrichment, parsed.GetValue(HubVerb.Json));
        return ExitCode.Done;
    }

    private static async Task<int> RemoveAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var key = parsed.GetValue(Key)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        await rest.SendAsync(
            HttpMethod.Delete, RoutingRest.PathOf("enrichments", key), null, null,
            $"enrichment '{key}' was not removed",
            cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            Console.Out.WriteLine(new JsonObject { ["key"] = key, ["removed"] = true }.ToJsonString());
        return ExitCode.Done;
    }
}
