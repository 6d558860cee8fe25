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
        Description = "On the way to which endpoint; may be given more than once.", HelpName = "NAME", Required = true,
    };

    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var add = new Command("add", "Make or change an enrichment.") { Key, Value, Endpoint, Data, Json };
        add.SetAction(AddAsync);
        var list = new Command("list", "List the enrichments.") { Data, Json };
        list.SetAction(ListAsync);
        var show = new Command("show", "Show an enrichment.") { Key, Data, Json };
        show.SetAction(ShowAsync);
        var remove = new Command("remove", "Remove an enrichment.") { Key, Data, Json };
        remove.SetAction(RemoveAsync);
        return new Command("enrichment", "Add properties to messages on their way to endpoints.") { add, list, show, remove };
    }

    private static async Task<int> AddAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var key = parsed.GetValue(Key)!;
        var body = new JsonObject
        {
            ["value"] = parsed.GetValue(Value),
            ["endpoints"] = new JsonArray([.. parsed.GetValue(Endpoint)!.Select(static e => (JsonNode)e)]),
        };
        using var rest = new HubRest(RoutingRest.HubOf(parsed, Data));
        var made = await rest.SendAsync(
            HttpMethod.Put, RoutingRest.PathOf("enrichments", key), body.ToJsonString(), null,
            $"enrichment '{key}' was not added", cancellationToken);
        if (parsed.GetValue(Json))
            RoutingRest.Print(made, isJson: true);
        return ExitCode.Done;
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(RoutingRest.HubOf(parsed, Data));
        var all = await RoutingRest.ListAsync(rest, "enrichments", cancellationToken);
        if (parsed.GetValue(Json))
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
                string.Join(", ", enrichment.GetProperty("endpoints").EnumerateArray().Select(static e => e.GetString())),
            }));
        return ExitCode.Done;
    }

    private static async Task<int> ShowAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var key = parsed.GetValue(Key)!;
        using var rest = new HubRest(RoutingRest.HubOf(parsed, Data));
        var enrichment = await rest.SendAsync(
            HttpMethod.Get, RoutingRest.PathOf("enrichments", key), null, null, $"enrichment '{key}' was not found",
            cancellationToken);
        RoutingRest.Print(enrichment, parsed.GetValue(Json));
        return ExitCode.Done;
    }

    private static async Task<int> RemoveAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var key = parsed.GetValue(Key)!;
        using var rest = new HubRest(RoutingRest.HubOf(parsed, Data));
        await rest.SendAsync(
            HttpMethod.Delete, RoutingRest.PathOf("enrichments", key), null, null, $"enrichment '{key}' was not removed",
            cancellationToken);
        if (parsed.GetValue(Json))
            Console.Out.WriteLine(new JsonObject { ["key"] = key, ["removed"] = true }.ToJsonString());
        return ExitCode.Done;
    }
}
