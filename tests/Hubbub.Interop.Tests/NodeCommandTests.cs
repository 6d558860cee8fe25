using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// Microsoft's service SDK for Node sends commands and reads feedback, its device SDK completes, rejects and abandons;
/// both unmodified, over AMQP and AMQP over WebSocket.
/// </summary>
[Collection(StandardPorts.Name)]
public sealed class NodeCommandTests(StandardHub standard)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Commands_OfEveryAckKind_GiveExactlyTheFeedbackAskedFor(bool webSocket)
    {
        var device = await standard.Hub.CreateDeviceAsync($"node-ack-{webSocket}", Cancellation);
        string[] acks = ["none", "positive", "negative", "full"];

        var output = await PlayAsync(
            [device],
            [.. acks.SelectMany(ack => new[] { Command(device, $"{ack}-yes", ack), Command(device, $"{ack}-no", ack) })],
            acks.ToDictionary(ack => $"{ack}-no", _ => new[] { "reject" }),
            records: 4, webSocket);

        Assert.Equal(8, output.WithoutErrors().Of("sent").Length);
        Assert.Equal(
            acks.SelectMany(ack => new[] { $"{ack}-yes", $"{ack}-no" }), output.Of("command").Select(line => line.Text("id")));
        Assert.Equal(
            ["full-no Rejected", "full-yes Success", "negative-no Rejected", "positive-yes Success"],
            output.Of("feedback").Select(Outcome).Order(StringComparer.Ordinal));
        Assert.All(output.Of("feedback"), line =>
        {
            Assert.Equal("application/vnd.microsoft.iothub.feedback.json", line.Text("contentType"));
            Assert.Equal(device.Id, line.Text("deviceId"));
            Assert.Equal(device.GenerationId, line.Text("deviceGenerationId"));
        });
    }

    [Fact]
    public async Task Command_WithEverything_ReachesTheDeviceAsItWas()
    {
        var device = await standard.Hub.CreateDeviceAsync("node-properties", Cancellation);
        var system = new { correlationId = "c-1", contentType = "application/json", contentEncoding = "utf-8", userId = "ann" };
        var command = new
        {
            deviceId = device.Id,
            id = "with-everything",
            ack = "positive",
            body = """{"on":true}""",
            expiresInMs = 60_000,
            properties = new { unit = "°C", level = "7" },
            system,
        };

        var output = await PlayAsync([device], [command], [], records: 1);

        var line = output.WithoutErrors().One("command");
        Assert.Equal("""{"on":true}""", line.Text("body"));
        Assert.Equal($"/devices/{device.Id}/messages/devicebound", line.Text("to"));
        Assert.Equal("c-1", line.Text("correlationId"));
        Assert.Equal("application/json", line.Text("contentType"));
        Assert.Equal("utf-8", line.Text("contentEncoding"));
        Assert.Equal("°C", line.Of("properties", "unit"));
        Assert.Equal("7", line.Of("properties", "level"));
        Assert.Equal(0, line.Number("deliveryCount"));
        Assert.True(Guid.TryParse(line.Text("lockToken"), out _));
        Assert.Equal("with-everything Success", Outcome(output.One("feedback")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Command_Abandoned_ComesAgainUntilItMayNoMore(bool webSocket)
    {
        var device = await standard.Hub.CreateDeviceAsync($"node-abandon-{webSocket}", Cancellation);

        var output = await PlayAsync(
            [device],
            [Command(device, "twice"), Command(device, "always")],
            new() { ["twice"] = ["abandon", "abandon", "complete"], ["always"] = ["abandon"] },
            records: 2, webSocket);

        var counts = output.WithoutErrors().Of("command").ToLookup(line => line.Text("id"), line => line.Number("deliveryCount"));
        Assert.Equal([0, 1, 2], counts["twice"]);
        Assert.Equal(Enumerable.Range(0, 10).Select(count => (long)count), counts["always"]);
        Assert.Equal(
            ["always DeliveryCountExceeded", "twice Success"], output.Of("feedback").Select(Outcome).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Command_ThatNobodyFetches_ExpiresOnTime()
    {
        var device = await standard.Hub.CreateDeviceAsync("node-expiry", Cancellation);
        const int LifeMs = 1_500;

        var output = await PlayAsync(
            [], [new { deviceId = device.Id, id = "late", ack = "negative", expiresInMs = LifeMs }], [], records: 1);

        var record = output.WithoutErrors().One("feedback");
        Assert.Equal("late Expired", Outcome(record));
        // The second of the promise, the way of the messages, and a machine that is busy with other tests.
        Assert.InRange(record.Number("at") - output.One("sent").Number("at"), LifeMs - 500, LifeMs + 15_000);
    }

    [Fact]
    public async Task Commands_ThatMayNotBe_FailAsTheSdkKnowsAndTheNextGoesThrough()
    {
        var device = await standard.Hub.CreateDeviceAsync("node-refused", Cancellation);
        var full = await standard.Hub.CreateDeviceAsync("node-full", Cancellation);
        var queue = Enumerable.Range(0, 51).Select(index => Command(full, $"q{index}", "none"));

        var output = await PlayAsync(
            [device],
            [
                new { deviceId = "node-nobody", id = "unknown" },
                new { deviceId = device.Id, id = "large", bodySize = 65_537 },
                .. queue,
                Command(device, "good"),
            ],
            [], records: 1);

        Assert.Equal(
            [
                "unknown DeviceNotFoundError amqp:not-found",
                "large MessageTooLargeError amqp:link:message-size-exceeded",
                "q50 DeviceMaximumQueueDepthExceededError amqp:resource-limit-exceeded",
            ],
            output.WithoutErrors().Of("refused")
                .Select(line => $"{line.Text("id")} {line.Text("name")} {line.Text("condition")}"));
        Assert.Equal("good Success", Outcome(output.One("feedback")));
    }

    [Fact]
    public async Task ModuleClient_ThatListensForInputs_GetsWhatIsSentToItsModule()
    {
        var device = await standard.Hub.CreateDeviceAsync("node-module", Cancellation);
        var key = await standard.Hub.CreateModuleAsync(device, "pump", Cancellation);
        var module = $"HostName={device.Host};DeviceId={device.Id};ModuleId=pump;SharedAccessKey={key}";
        await using var held = await ClientProcess.StartAsync(
            ClientScript.IotCommands, standard.Hub, new { scenario = "hold", devices = new[] { module }, complete = true });

        var sent = await ClientProcess.RunAsync(ClientScript.UamqpCommands, standard.Hub, new
        {
            role = "send",
            host = standard.Hub.Host,
            ca = standard.Hub.Up.CaCertificate,
            port = standard.Hub.Up.Ports.Amqps,
            policy = "service",
            key = standard.Hub.Up.PolicyKey("service"),
            // No feedback: nobody reads it here, so another test on this hub would.
            messages = new[]
            {
                new { id = "m", to = $"/devices/{device.Id}/modules/pump/messages/devicebound", ack = "none" },
            },
        });

        Assert.Equal("SendComplete", sent.WithoutErrors().One("sent").Text("state"));
        Assert.Equal("m", (await held.WaitForAsync("command")).Text("id"));
    }

    [Fact]
    public async Task SecondClient_OfADevice_TakesOver()
    {
        var device = await standard.Hub.CreateDeviceAsync("node-takeover", Cancellation);
        await using var held = await HoldAsync(device);
        await held.TellAsync(new { open = 0 });

        var lost = await held.WaitForAsync("lost");
        Assert.Equal(0, lost.Number("client"));
        Assert.Equal("amqp:internal-error", lost.Text("condition"));
        Assert.Contains("Another AMQP Client has opened a Receive Link", lost.Text("description")!, StringComparison.Ordinal);
        await PlayAsync([], [Command(device, "m")], [], records: 0);
        Assert.Equal(1, (await held.WaitForAsync("command")).Number("client"));
    }

    [Theory]
    [InlineData("disabled", "amqp:unauthorized-access")]
    [InlineData("deleted", "amqp:not-found")]
    public async Task Device_TakenAwayWhileItListens_IsCutOffWithTheReason(string how, string condition)
    {
        var device = await standard.Hub.CreateDeviceAsync($"node-{how}", Cancellation);
        await using var held = await HoldAsync(device);
        var path = $"/devices/{device.Id}";

        if (how == "deleted")
            await standard.Hub.RestAsync(HttpMethod.Delete, path, null, Cancellation, ifMatch: true);
        else
            await standard.Hub.RestAsync(HttpMethod.Put, path, new { deviceId = device.Id, status = how }, Cancellation, ifMatch: true);

        Assert.Equal(condition, (await held.WaitForAsync("lost")).Text("condition"));
    }

    private static object Command(TestDevice device, string id, string ack = "full") => new { deviceId = device.Id, id, ack };

    private static string Outcome(JsonElement record) => $"{record.Text("originalMessageId")} {record.Text("statusCode")}";

    private Task<ClientOutput> PlayAsync(
        TestDevice[] devices, object[] commands, Dictionary<string, string[]> actions, int records, bool webSocket = false) =>
        ClientProcess.RunAsync(ClientScript.IotCommands, standard.Hub, new
        {
            scenario = "play",
            service = standard.Hub.Up.ConnectionStrings["service"],
            devices = devices.Select(device => device.ConnectionString),
            webSocket,
            commands,
            actions,
            records,
        });

    private async Task<ClientProcess> HoldAsync(TestDevice device)
    {
        var held = await ClientProcess.StartAsync(
            ClientScript.IotCommands, standard.Hub, new { scenario = "hold", devices = new[] { device.ConnectionString } });
        // The SDK does not say when its link is there; a command that comes does.
        await PlayAsync([], [Command(device, "first", "none")], [], records: 0);
        await held.WaitForAsync("command");
        return held;
    }
}
