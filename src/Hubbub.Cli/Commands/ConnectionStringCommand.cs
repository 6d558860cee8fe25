using System.CommandLine;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub connection-string</c>: what to put into a client's configuration.</summary>
internal static class ConnectionStringCommand
{
    private const string DefaultPolicy = "iothubowner";

    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();
    private static readonly Option<string?> Policy = new("--policy")
    {
        Description = $"The policy whose key it holds. Default: {DefaultPolicy}; with --eventhubs: service.",
        HelpName = "NAME",
    };
    private static readonly Option<bool> EventHubs =
        new("--eventhubs") { Description = "The string for Event Hubs clients, which read the events." };
    private static readonly Option<string?> Endpoint = new("--endpoint")
    {
        Description = "With --eventhubs: of this endpoint's stream, or of its dead letters when the hub delivers it.",
        HelpName = "NAME",
    };
    private static readonly Option<string?> Device =
        new("--device") { Description = "The string of this device.", HelpName = "ID" };

    public static Command Create()
    {
        var command = new Command("connection-string", "Print a connection string. It holds a key.")
        {
            Policy, EventHubs, Endpoint, Device, Data, Json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Device) is not null
                && (result.GetValue(Policy) is not null || result.GetValue(EventHubs)))
                result.AddError("--device goes without --policy and --eventhubs.");
            if (result.GetValue(Endpoint) is not null && !result.GetValue(EventHubs))
                result.AddError("--endpoint goes with --eventhubs.");
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        var text = parsed.GetValue(Device) is { } id
            ? await OfDeviceAsync(hub, id, cancellationToken)
            : OfPolicy(hub, parsed.GetValue(Policy), parsed.GetValue(EventHubs));
        if (RoutingRest.CustomEndpointOf(parsed, Endpoint) is { } endpoint)
            text = await OfEndpointAsync(hub, text, endpoint, cancellationToken);
        Console.Out.WriteLine(
            parsed.GetValue(Json) ? new JsonObject { ["connectionString"] = text }.ToJsonString() : text);
        return ExitCode.Done;
    }

    /// <summary>The string of the built-in events, with another entity.</summary>
    private static async Task<string> OfEndpointAsync(
        HubAddress hub, string builtIn, string name, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(hub);
        var endpoint = await rest.SendAsync(
            HttpMethod.Get, RoutingRest.PathOf("endpoints", name), null, null,
            $"the connection string of endpoint '{name}' cannot be had", cancellationToken);
        var path = builtIn.LastIndexOf("EntityPath=", StringComparison.Ordinal);
        return $"{builtIn[..path]}EntityPath={Output.TextOf(endpoint!.Value, "entity")}";
    }

    private static async Task<string> OfDeviceAsync(HubAddress hub, string id, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(hub);
        var device = await DeviceCommand.GetAsync(
            rest, id, $"the connection string of device '{id}' cannot be had", cancellationToken);
        return DeviceCommand.ConnectionStringOf(hub, device);
    }

    private static string OfPolicy(HubAddress hub, string? policy, bool isEventHubs)
    {
        policy ??= isEventHubs ? "service" : DefaultPolicy;
        if (hub.Local is not { } local)
        {
            throw new CommandFailedException(
                $"the keys of policy '{policy}' are told by the hub's own machine only; run this there with --data, "
                + $"without {HubAddress.Variable}.");
        }
        var strings = isEventHubs ? local.EventHubs : local.ConnectionStrings;
        if (strings.TryGetValue(policy, out var text))
            return text;
        throw new CommandFailedException(
            $"policy '{policy}' {(isEventHubs ? "may not read events or does not exist" : "does not exist")}; "
            + $"name one of {string.Join(", ", strings.Keys)}.");
    }
}
