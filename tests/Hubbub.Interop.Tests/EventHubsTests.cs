using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// Microsoft's Event Hubs SDK for Node, unmodified: by the development-emulator string (plain AMQP) and by TLS with the
/// hub's own CA, over TCP and WebSocket.
/// </summary>
[Collection(StandardPorts.Name)]
public sealed class EventHubsTests(StandardHub standard)
{
    private const int EventCount = 6;
    private const int ProbesMax = 2000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("emulator")]
    [InlineData("tls")]
    [InlineData("webSocket")]
    public async Task Client_AsksForProperties_GetsTheHubAndEachPartition(string transport)
    {
        var (device, events) = await SendEventsAsync();

        var output = await RunAsync("properties", transport);

        var hub = output.WithoutErrors().One("hub");
        string[] ids = ["0", "1", "2", "3"];
        Assert.Equal(standard.Hub.Up.Entity, hub.Text("name"));
        Assert.Equal(ids, Ids(hub.GetProperty("ids")));
        Assert.Equal(ids, Ids(hub.GetProperty("partitionIds")));
        Assert.InRange(hub.Number("createdOn"), 1, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        Assert.Equal(ids, output.Of("partition").Select(line => line.Text("partitionId")));
        var partition = output.Of("partition").Single(line => line.Text("partitionId") == device.Partition);
        var last = events[^1];
        Assert.Equal(standard.Hub.Up.Entity, partition.Text("eventHubName"));
        Assert.False(partition.GetProperty("isEmpty").GetBoolean());
        Assert.Equal(0, partition.Number("beginningSequenceNumber"));
        Assert.Equal(last.Number("sequence"), partition.Number("lastEnqueuedSequenceNumber"));
        Assert.Equal(last.Text("offset"), partition.Text("lastEnqueuedOffset"));
        Assert.Equal(last.Number("enqueued"), partition.Number("lastEnqueuedOnUtc"));
    }

    [Theory]
    [InlineData("earliest", "emulator")]
    [InlineData("earliest", "webSocket")]
    [InlineData("offset", "tls")]
    [InlineData("offset inclusive", "emulator")]
    [InlineData("sequence", "tls")]
    [InlineData("sequence inclusive", "webSocket")]
    [InlineData("time", "tls")]
    public async Task Client_SubscribesFromAPosition_ReadsExactlyWhatFollows(string from, string transport)
    {
        var (device, events) = await SendEventsAsync();
        var middle = events[^4];
        var (position, expected) = from switch
        {
            "earliest" => ((object)"earliest", events),
            "offset" => (new { offset = middle.Text("offset") }, events[^3..]),
            "offset inclusive" => (new { offset = middle.Text("offset"), isInclusive = true }, events[^4..]),
            "sequence" => (new { sequenceNumber = middle.Number("sequence") }, events[^3..]),
            "sequence inclusive" => (From(middle), events[^4..]),
            _ => (new { enqueuedOn = middle.Number("enqueued") }, After(events, middle)),
        };

        var count = from == "earliest" ? events[^1].Number("sequence") + 1 : expected.Length;
        var output = await RunAsync("readAll", transport, ("from", Only(device, position)), ("expected", count));

        var read = output.WithoutErrors().Of("event");
        Assert.Equal(expected.Select(Identity), read.TakeLast(expected.Length).Select(Identity));
        var first = from == "earliest" ? 0 : expected[0].Number("sequence");
        Assert.Equal(read.Index().Select(each => first + each.Index), read.Select(line => line.Number("sequence")));
    }

    [Theory]
    [InlineData("emulator")]
    [InlineData("webSocket")]
    public async Task Client_SubscribesAtTheEnd_IsWokenByNewEventsAndTracksTheLast(string transport)
    {
        var (device, events) = await SendEventsAsync();
        var request = Request(
            "follow", transport, ("partition", device.Partition), ("from", "latest"), ("track", true));
        await using var client = await ClientProcess.StartAsync(ClientScript.EventHubs, standard.Hub, request);
        await client.WaitForAsync("started");

        // The SDK does not say when its link is attached, so events are sent until one arrives.
        var first = client.WaitForAsync("event");
        for (var probe = 0; probe < ProbesMax && !first.IsCompleted; probe++)
            await SendAsync(device, $"probe-{probe}", 1);
        await first;
        await SendAsync(device, "tail", 3);
        var seen = await client.WaitForAsync("event");
        while (seen.Text("messageId") != $"tail-{device.Id}-2") seen = await client.WaitForAsync("event");
        await client.TellAsync(new { stop = true });
        var output = await client.EndAsync();

        var sequences = output.WithoutErrors().Of("event").Select(line => line.Number("sequence")).ToArray();
        Assert.True(sequences[0] > events[^1].Number("sequence"), "an event from before the subscription was read");
        Assert.Equal(Enumerable.Range(0, sequences.Length).Select(index => sequences[0] + index), sequences);
        var tracked = output.One("tracked");
        Assert.Equal(seen.Number("sequence"), tracked.Number("sequence"));
        Assert.Equal(seen.Text("offset"), tracked.Text("offset"));
        Assert.Equal(seen.Number("enqueued"), tracked.Number("enqueued"));
    }

    [Theory]
    [InlineData(1L, 2L)]
    [InlineData(2L, 2L)]
    [InlineData(null, 1L)]
    public async Task Reader_WithANewerEpoch_DisconnectsTheOlderOne(long? older, long? newer)
    {
        var (device, events) = await SendEventsAsync();

        var readers = await EpochsAsync(device, events, older, newer);

        Assert.Equal("ReceiverDisconnectedError", readers[0].Text("condition"));
        Assert.Equal(events.Length, readers[0].Number("received"));
        Assert.Null(readers[1].Text("condition"));
        Assert.Equal(events.Length, readers[1].Number("received"));
    }

    [Theory]
    [InlineData(2L, 1L)]
    [InlineData(1L, null)]
    public async Task Reader_WithALowerOrNoEpoch_IsRefusedAndTheHolderStays(long? holder, long? newcomer)
    {
        var (device, events) = await SendEventsAsync();

        var readers = await EpochsAsync(device, events, holder, newcomer);

        Assert.Null(readers[0].Text("condition"));
        Assert.Equal(events.Length, readers[0].Number("received"));
        Assert.Equal("ReceiverDisconnectedError", readers[1].Text("condition"));
        Assert.Equal(0, readers[1].Number("received"));
    }

    [Fact]
    public async Task SixthReader_WithoutAnEpoch_IsRefusedAndTheFiveStay()
    {
        var (device, events) = await SendEventsAsync();

        var output = await RunAsync(
            "crowd", "tls", ("partition", device.Partition), ("readers", 6), ("from", From(events[0])));

        var readers = output.WithoutErrors().Of("reader");
        Assert.All(readers[..5], reader => Assert.Equal(events.Length, reader.Number("received")));
        Assert.All(readers[..5], reader => Assert.Null(reader.Text("condition")));
        Assert.Equal("QuotaExceededError", readers[5].Text("condition"));
        Assert.Equal(0, readers[5].Number("received"));
    }

    [Theory]
    [InlineData("hub", "unknown hub", "MessagingEntityNotFoundError")]
    [InlineData("read", "unknown hub", "MessagingEntityNotFoundError")]
    [InlineData("read", "unknown group", "MessagingEntityNotFoundError")]
    [InlineData("read", "bad partition", "ArgumentOutOfRangeError")]
    [InlineData("partition", "bad partition", "ArgumentOutOfRangeError")]
    [InlineData("hub", "wrong key", "UnauthorizedError")]
    [InlineData("read", "unknown policy", "UnauthorizedError")]
    [InlineData("read", "no right to read", "UnauthorizedError")]
    public async Task Client_AsksForWhatItMayNotHave_IsToldWhy(string call, string fault, string code)
    {
        var hub = standard.Hub;
        var partition = fault == "bad partition" ? "77" : "0";
        var request = Request("refused", "tls", ("call", call), ("partition", partition), ("maxRetries", 0));
        request["connectionString"] = fault switch
        {
            "unknown hub" => EventHubsString("service", hub.Up.PolicyKey("service"), "nobody"),
            "wrong key" => EventHubsString("service", hub.Up.PolicyKey("device"), hub.Up.Entity),
            "unknown policy" => EventHubsString("nobody", hub.Up.PolicyKey("service"), hub.Up.Entity),
            "no right to read" => EventHubsString("device", hub.Up.PolicyKey("device"), hub.Up.Entity),
            _ => hub.Up.EventHubs["service"],
        };
        if (fault == "unknown group") request["group"] = "nobody";

        var output = await ClientProcess.RunAsync(ClientScript.EventHubs, hub, request);

        Assert.Empty(output.Of("served"));
        Assert.Equal(code, output.One("error").Text("condition"));
    }

    private static IEnumerable<string?> Ids(JsonElement array) => array.EnumerateArray().Select(id => id.GetString());

    private static Dictionary<string, object> Only(TestDevice device, object position) =>
        new() { [device.Partition] = position };

    private static object From(JsonElement line) =>
        new { sequenceNumber = line.Number("sequence"), isInclusive = true };

    private static JsonElement[] After(JsonElement[] events, JsonElement middle) =>
        [.. events.Where(line => line.Number("enqueued") > middle.Number("enqueued"))];

    private static (string?, string?, long, string?, long) Identity(JsonElement line) => (
        line.Text("messageId"),
        line.Text("body"),
        line.Number("sequence"),
        line.Text("offset"),
        line.Number("enqueued"));

    private string EventHubsString(string policy, string key, string entity) =>
        $"Endpoint=sb://{standard.Hub.Host}/;SharedAccessKeyName={policy};SharedAccessKey={key};EntityPath={entity}";

    private async Task<JsonElement[]> EpochsAsync(TestDevice device, JsonElement[] events, params long?[] levels)
    {
        var output = await RunAsync(
            "epochs", "tls", ("partition", device.Partition), ("levels", levels), ("from", From(events[0])));
        return output.WithoutErrors().Of("reader");
    }

    /// <summary>A device that has just sent events: they are the last ones of its partition.</summary>
    private async Task<(TestDevice Device, JsonElement[] Events)> SendEventsAsync()
    {
        var device = await standard.Hub.CreateDeviceAsync($"eventhubs-{Guid.NewGuid():N}", Cancellation);
        await SendAsync(device, "first", EventCount / 2);
        await SendAsync(device, "second", EventCount / 2);
        var from = Only(device, new { last = EventCount });
        var output = await RunAsync("readAll", "tls", ("from", from), ("expected", EventCount));
        var events = output.WithoutErrors().Of("event");
        Assert.Equal(EventCount, events.Length);
        Assert.All(events, line => Assert.Equal(device.Id, line.Of("system", "iothub-connection-device-id")));
        return (device, events);
    }

    private async Task SendAsync(TestDevice device, string prefix, int count)
    {
        await using var sender = await NetLitePeer.OpenDeviceAsync(standard.Hub, device, tls: true);
        for (var index = 0; index < count; index++)
            await sender.SendAsync($"{prefix}-{device.Id}-{index}", [(byte)'#', (byte)('0' + index)]);
    }

    private Dictionary<string, object> Request(
        string scenario, string transport, params (string Name, object Value)[] fields)
    {
        var request = EventHubReader.Request(standard.Hub, scenario);
        if (transport == "emulator")
        {
            // The emulator switch makes the SDK speak plain AMQP to port 5672.
            request["connectionString"] = standard.Hub.Up.EventHubs["service"] + ";UseDevelopmentEmulator=true";
        }
        request["webSocket"] = transport == "webSocket";
        foreach (var (name, value) in fields) request[name] = value;
        return request;
    }

    private Task<ClientOutput> RunAsync(
        string scenario, string transport, params (string Name, object Value)[] fields) =>
        ClientProcess.RunAsync(ClientScript.EventHubs, standard.Hub, Request(scenario, transport, fields));
}
