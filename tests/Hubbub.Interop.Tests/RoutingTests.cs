using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// Routes by properties and body, with Microsoft's own clients at both ends: devices on the Node SDK and on uamqp, the
/// hub's streams read by the Event Hubs SDK under their own names.
/// </summary>
[Collection(StandardPorts.Name)]
public sealed class RoutingTests(StandardHub standard)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NodeDevice_SendsJsonBodies_EachMessageIsInTheStreamsOfItsRoutes()
    {
        var hub = standard.Hub;
        var device = await hub.CreateDeviceAsync($"route-node-{Guid.NewGuid():N}", Cancellation);
        await using var routing = await ApplyAsync(hub, new
        {
            endpoints = new[] { Stream("late"), Stream("third") },
            routes = new[]
            {
                new { name = "body", condition = $"$body.index >= 5 and $body.deviceId = $connectionDeviceId", endpoint = "late" },
                new { name = "property", condition = "index = '3' or index = '7'", endpoint = "third" },
                new { name = "never", condition = "$body.index > 'a'", endpoint = "third" },
            },
            enrichments = new[] { new { key = "hub", value = "$iothubname", endpoints = new[] { "third" } } },
        });
        var builtIn = await EventHubReader.AtTheEndAsync(hub);

        var sent = await ClientProcess.RunAsync(ClientScript.IotDevice, hub, new
        {
            scenario = "send",
            devices = new[] { device.ConnectionString },
            perDevice = 10,
            prefix = "r",
        });

        Assert.Equal(10, sent.WithoutErrors().One("sent").Number("count"));
        var late = await ReadAsync(hub, "late", 5);
        Assert.Equal([5, 6, 7, 8, 9], Indexes(late));
        var third = await ReadAsync(hub, "third", 2);
        Assert.Equal([3, 7], Indexes(third));
        Assert.All(third, line => Assert.Equal("localhost", line.GetProperty("properties").Text("hub")));
        var rest = await builtIn.ReadAsync(4);
        Assert.Equal([0, 1, 2, 4], Indexes(rest));
    }

    [Fact]
    public async Task UamqpDevice_SaysItsCharsetInTheContentTypeOnly_AndItsBodiesAreRouted()
    {
        var hub = standard.Hub;
        var device = await hub.CreateDeviceAsync($"route-uamqp-{Guid.NewGuid():N}", Cancellation);
        await using var routing = await ApplyAsync(hub, new
        {
            endpoints = new[] { Stream("hot") },
            routes = new[] { new { name = "hot", condition = "$body.t > 30", endpoint = "hot" } },
        });

        var sent = await ClientProcess.RunAsync(ClientScript.UamqpDevice, hub, new
        {
            host = hub.Host,
            ca = hub.Up.CaCertificate,
            deviceId = device.Id,
            key = device.Key,
            messages = new[]
            {
                new { id = "m1", body = """{"t":31,"index":1}""", contentType = "application/json;charset=utf-8" },
                new { id = "m2", body = """{"t":29,"index":2}""", contentType = "application/json;charset=utf-8" },
                new { id = "m3", body = """{"t":99,"index":3}""", contentType = "text/plain" },
                new { id = "m4", body = """{"t":32.5,"index":4}""", contentType = "Application/JSON; charset=UTF-8" },
            },
        });

        Assert.Equal(4, sent.WithoutErrors().Of("sent").Length);
        var hot = await ReadAsync(hub, "hot", 2);
        Assert.Equal(["m1", "m4"], hot.Select(line => line.Text("messageId")));
    }

    [Fact]
    public async Task CommandLine_MakesTriesAndRemovesRoutes()
    {
        var hub = standard.Hub;
        await using var routing = await ApplyAsync(hub, new { });
        (await Cli.RunAsync(hub, "endpoint", "add", "alerts", "--partitions", "1", "--retention", "2h")).Done();
        (await Cli.RunAsync(hub, "route", "add", "r", "--endpoint", "alerts", "--condition", "level = 'high'")).Done();
        (await Cli.RunAsync(hub, "route", "add", "s", "--endpoint", "alerts", "--condition", "level = 5")).Refused("'s'", "column 7");
        (await Cli.RunAsync(hub, "enrichment", "add", "site", "north", "--endpoint", "alerts")).Done();
        (await Cli.RunAsync(hub, "consumer-group", "create", "g", "--endpoint", "alerts")).Done();

        var tried = (await Cli.RunAsync(hub, "route", "test", "--message", """{"app":{"level":"low"}}""")).Done().Output;
        var route = (await Cli.RunAsync(hub, "route", "show", "r", "--json")).Json.Single();
        var connection = (await Cli.RunAsync(hub, "connection-string", "--eventhubs", "--endpoint", "alerts")).Done().Output;

        Assert.Contains("level = 'high'   (level is 'low')", tried, StringComparison.Ordinal);
        (await Cli.RunAsync(hub, "endpoint", "add", "lake", "--directory", "lake")).Done();
        var lake = (await Cli.RunAsync(hub, "endpoint", "list", "--json")).Done().Json[1];
        (await Cli.RunAsync(hub, "endpoint", "remove", "lake")).Done();

        Assert.Equal(("lake", "unknown"), (lake.Text("name"), lake.GetProperty("status").Text("health")));
        Assert.Equal("alerts", route.Text("endpoint"));
        Assert.EndsWith(";EntityPath=alerts", connection, StringComparison.Ordinal);
        (await Cli.RunAsync(hub, "endpoint", "remove", "alerts")).Refused("'alerts'", "in use");
        (await Cli.RunAsync(hub, "route", "remove", "r")).Done();
        (await Cli.RunAsync(hub, "enrichment", "remove", "site")).Done();
        (await Cli.RunAsync(hub, "endpoint", "remove", "alerts")).Done();
        Assert.Empty((await Cli.RunAsync(hub, "route", "list", "--json")).Done().Lines);
    }

    private static object Stream(string name) => new { name, type = "stream", partitions = 4 };

    private static int[] Indexes(JsonElement[] events) =>
        [.. events.Select(line => JsonDocument.Parse(line.Text("body")!).RootElement.GetProperty("index").GetInt32()).Order()];

    private static async Task<JsonElement[]> ReadAsync(HubProcess hub, string entity, int expected)
    {
        var request = EventHubReader.Request(hub, "readAll");
        request["connectionString"] = hub.Up.EventHubs["service"].Replace(hub.Up.Entity, entity, StringComparison.Ordinal);
        request["from"] = new[] { "0", "1", "2", "3" }.ToDictionary(static id => id, static _ => (object)"earliest");
        request["expected"] = expected;
        var output = await ClientProcess.RunAsync(ClientScript.EventHubs, hub, request);
        return output.WithoutErrors().Of("event");
    }

    /// <summary>Puts a configuration in force, and an empty one when disposed: others use the same hub.</summary>
    private static async Task<Reset> ApplyAsync(HubProcess hub, object routing)
    {
        await hub.RestAsync(HttpMethod.Put, "/hubbub/routing", routing, Cancellation);
        return new Reset(hub);
    }

    private sealed class Reset(HubProcess hub) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() =>
            await hub.RestAsync(HttpMethod.Put, "/hubbub/routing", new { }, CancellationToken.None);
    }
}
