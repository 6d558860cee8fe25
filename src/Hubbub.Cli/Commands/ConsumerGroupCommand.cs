using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub consumer-group ...</c>: the named views of the event stream.</summary>
internal static class ConsumerGroupCommand
{
    private static readonly Argument<string> Name =
        new("NAME") { Description = "The group's name; case does not matter." };

    private static readonly Option<string?> Endpoint = new("--endpoint")
    {
        Description = "Of this endpoint's stream. Default: the built-in events.",
        HelpName = "NAME",
    };

    public static Command Create() => new("consumer-group", "Create, list and delete views of the event stream.")
    {
        HubVerb.Create("create", "Create a consumer group.", CreateAsync, Name, Endpoint),
        HubVerb.Create("list", "List the consumer groups.", ListAsync, Endpoint),
        HubVerb.Create("delete", "Delete a consumer group; its readers are cut off.", DeleteAsync, Name, Endpoint),
    };

    private static async Task<int> CreateAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var group = await rest.SendAsync(
            HttpMethod.Put, PathOf(parsed, name), "{}", null, $"consumer group '{name}' was not created",
            cancellationToken);
        if (parsed.GetValue(HubVerb.Json) && group is { } created)
            Output.JsonLine(created);
        return ExitCode.Done;
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var groups = await rest.SendAsync(
            HttpMethod.Get,
            PathOf(parsed),
            null,
            null,
            "consumer groups were not listed",
            cancellationToken);
        if (groups is not { ValueKind: JsonValueKind.Array } list)
            return ExitCode.Done;
        if (parsed.GetValue(HubVerb.Json))
        {
            foreach (var group in list.EnumerateArray())
                Output.JsonLine(group);
            return ExitCode.Done;
        }
        Output.Table(
            ["Consumer group", "Created"],
            list.EnumerateArray().Select(group =>
                new[] { Output.TextOf(group, "name"), Output.TextOf(group, "createdAt") }));
        return ExitCode.Done;
    }

    private static async Task<int> DeleteAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        await rest.SendAsync(
            HttpMethod.Delete, PathOf(parsed, name), null, null, $"consumer group '{name}' was not deleted",
            cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            Console.Out.WriteLine(new JsonObject { ["name"] = name, ["deleted"] = true }.ToJsonString());
        return ExitCode.Done;
    }

    private static string PathOf(ParseResult parsed) => RoutingRest.CustomEndpointOf(parsed, Endpoint) is { } endpoint
        ? $"{RoutingRest.PathOf("endpoints", endpoint)}/consumer-groups"
        : "/hubbub/consumer-groups";

    private static string PathOf(ParseResult parsed, string name) =>
        $"{PathOf(parsed)}/{PathSegment.Of(name, "a consumer group")}";
}
