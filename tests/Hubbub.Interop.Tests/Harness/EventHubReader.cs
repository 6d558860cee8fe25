using System.Text.Json;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>Microsoft's Event Hubs SDK as neutral reader of all partitions, from where they ended at first.</summary>
internal sealed class EventHubReader
{
    private readonly HubProcess _hub;
    private readonly Dictionary<string, object> _from;

    private EventHubReader(HubProcess hub, Dictionary<string, object> from)
    {
        _hub = hub;
        _from = from;
    }

    public static async Task<EventHubReader> AtTheEndAsync(HubProcess hub)
    {
        var output = await ClientProcess.RunAsync(ClientScript.EventHubs, hub, Request(hub, "properties"));
        var from = output.WithoutErrors().Of("partition").ToDictionary(
            line => line.Text("partitionId")!,
            line => line.GetProperty("isEmpty").GetBoolean()
                ? (object)"earliest"
                : new { sequenceNumber = line.Number("lastEnqueuedSequenceNumber"), isInclusive = false });
        return new EventHubReader(hub, from);
    }

    /// <summary>The events since then, in each partition's order; more than expected would be given back too.</summary>
    public async Task<JsonElement[]> ReadAsync(int expected)
    {
        var request = Request(_hub, "readAll");
        request["from"] = _from;
        request["expected"] = expected;
        var output = await ClientProcess.RunAsync(ClientScript.EventHubs, _hub, request);
        return output.WithoutErrors().Of("event");
    }

    /// <summary>A request to the script over TLS, as policy "service".</summary>
    public static Dictionary<string, object> Request(HubProcess hub, string scenario) => new()
    {
        ["scenario"] = scenario,
        ["connectionString"] = hub.Up.EventHubs["service"],
    };
}
