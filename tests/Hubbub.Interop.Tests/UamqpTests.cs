using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// Debian's python3-uamqp, the library of Microsoft's own AMQP page: devices by SASL PLAIN, services by way of the
/// hub's redirect and CBS at the redirected address.
/// </summary>
[Collection(StandardPorts.Name)]
public sealed class UamqpTests(StandardHub standard)
{
    private const int EventsMax = 100_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Device_SendsWithProperties_ServiceReadsThemAfterRedirect(bool webSocket)
    {
        var hub = standard.Hub;
        var device = await hub.CreateDeviceAsync($"uamqp-content-{webSocket}", Cancellation);
        var before = DateTimeOffset.UtcNow;

        var sent = await SendAsync(device, [FullMessage("m1"), new { id = "m2", body = "second" }], webSocket);
        // The partition is shared with other devices' tests, so it is read to its end, however many there are.
        var read = await ReadAsync(device.Partition, EventsMax, webSocket: webSocket, quietMs: 500);

        Assert.All(sent.WithoutErrors().Of("sent"), line => Assert.Equal("SendComplete", line.Text("state")));
        var redirect = read.WithoutErrors().One("redirect");
        Assert.Equal(hub.Host, redirect.Text("hostname"));
        Assert.Equal(hub.Host, redirect.Text("networkHost"));
        Assert.Equal(5671, redirect.Number("port"));
        var address = $"amqps://{hub.Host}:5671/{hub.Up.Entity}/ConsumerGroups/$Default/Partitions/{device.Partition}";
        Assert.Equal(address, redirect.Text("address"));
        var messages = Own(read, device);
        Assert.Equal(["m1", "m2"], messages.Select(line => line.Text("messageId")));
        AssertFullMessage(messages[0]);
        AssertHubAnnotations(messages[0], device, before);
    }

    [Theory]
    [InlineData("amqp.annotation.x-opt-sequence-number > {sequence}")]
    [InlineData("amqp.annotation.x-opt-sequence-number > '{sequence}'")]
    [InlineData("amqp.annotation.x-opt-offset > '{offset}'")]
    [InlineData("amqp.annotation.x-opt-enqueued-time > {time}")]
    [InlineData("amqp.annotation.x-opt-enqueuedtimeutc > '{time}'")]
    public async Task Service_FiltersByPosition_ReadsExactlyTheLaterEvents(string filter)
    {
        var hub = standard.Hub;
        var device = await hub.CreateDeviceAsync($"uamqp-{Guid.NewGuid():N}", Cancellation);
        await SendAsync(device, [new { id = "early-1", body = "1" }, new { id = "early-2", body = "2" }]);
        await SendAsync(device, [new { id = "late-1", body = "3" }, new { id = "late-2", body = "4" }]);
        var all = Own(await ReadAsync(device.Partition, 1000, quietMs: 400), device);
        Assert.Equal(["early-1", "early-2", "late-1", "late-2"], all.Select(line => line.Text("messageId")));
        var last = all[1].GetProperty("annotations");
        var selector = filter
            .Replace("{sequence}", last.Text("x-opt-sequence-number"), StringComparison.Ordinal)
            .Replace("{offset}", last.Text("x-opt-offset"), StringComparison.Ordinal)
            .Replace("{time}", last.Text("x-opt-enqueued-time"), StringComparison.Ordinal);

        var later = (await ReadAsync(device.Partition, 100, selector, quietMs: 400)).WithoutErrors().Of("message");

        Assert.Equal(["late-1", "late-2"], later.Select(line => line.Text("messageId")));
        Assert.Equal(all[2..].Select(Annotations), later.Select(Annotations));
    }

    [Fact]
    public async Task Device_SendsOneBatchedTransfer_ServiceReadsSeparateEvents()
    {
        var device = await standard.Hub.CreateDeviceAsync("uamqp-batched", Cancellation);

        var sent = await SendAsync(device, [FullMessage("b1"), FullMessage("b2"), FullMessage("b3")], batched: true);
        var read = await ReadAsync(device.Partition, 1000, quietMs: 400);

        Assert.Equal("SendComplete", sent.WithoutErrors().One("sent").Text("state"));
        var messages = Own(read, device);
        Assert.Equal(["b1", "b2", "b3"], messages.Select(line => line.Text("messageId")));
        Assert.All(messages, AssertFullMessage);
        var sequences = messages.Select(Sequence).ToArray();
        Assert.Equal([sequences[0], sequences[0] + 1, sequences[0] + 2], sequences);
    }

    [Theory]
    [InlineData("wrong key")]
    [InlineData("unknown device")]
    [InlineData("token of another device")]
    [InlineData("expired token")]
    public async Task Device_WithBadCredentials_IsRefusedAndStoresNothing(string fault)
    {
        var hub = standard.Hub;
        var good = await hub.CreateDeviceAsync($"uamqp-good-{Guid.NewGuid():N}", Cancellation);
        var other = await hub.CreateDeviceAsync($"uamqp-other-{Guid.NewGuid():N}", Cancellation);
        var bad = fault switch
        {
            "wrong key" => good with { Key = other.Key },
            "unknown device" => good with { Id = good.Id + "-unknown" },
            "token of another device" => good,
            _ => good,
        };

        var output = await ClientProcess.RunAsync(ClientScript.UamqpDevice, hub, new
        {
            host = hub.Host,
            ca = hub.Up.CaCertificate,
            deviceId = bad.Id,
            key = bad.Key,
            user = fault == "token of another device" ? $"{other.Id}@sas.{hub.Host}" : null,
            tokenSeconds = fault == "expired token" ? -600 : 3600,
            messages = new[] { new { id = "refused", body = "x" } },
        });

        Assert.NotNull(output.One("error").Text("name"));
        Assert.DoesNotContain(output.Of("sent"), line => line.Text("state") == "SendComplete");
        Assert.Empty(Own(await ReadAsync(good.Partition, 1000, quietMs: 300), good));
    }

    [Fact]
    public async Task Device_AtAnotherDevicesAddress_IsRefusedWithUnauthorizedAccess()
    {
        var hub = standard.Hub;
        var device = await hub.CreateDeviceAsync("uamqp-trespasser", Cancellation);
        var victim = await hub.CreateDeviceAsync("uamqp-victim", Cancellation);

        var output = await SendAsync(device, [new { id = "m", body = "x" }], address: victim.TelemetryAddress);

        Assert.Equal("amqp:unauthorized-access", Condition(output.One("error")));
        Assert.Empty(Own(await ReadAsync(victim.Partition, 1000, quietMs: 300), victim));
    }

    [Theory]
    [InlineData("nobody", "0", null, "amqp:not-found")]
    [InlineData("$Default", "77", null, "com.microsoft:argument-out-of-range")]
    [InlineData("$Default", "0", "sequence above two", "com.microsoft:argument-error")]
    [InlineData("$Default", "0", "amqp.annotation.x-opt-sequence-number > ten", "com.microsoft:argument-error")]
    public async Task Service_AsksForWhatIsNotThere_IsToldTheCondition(
        string group, string partition, string? filter, string condition)
    {
        var address = $"/messages/events/ConsumerGroups/{group}/Partitions/{partition}";

        var output = await ReadAsync(partition, 1, filter, address: address);

        Assert.Equal(condition, Condition(output.One("error")));
    }

    [Fact]
    public async Task Service_WithWrongKeyAtTheRedirectedAddress_GetsStatus401()
    {
        var hub = standard.Hub;

        var output = await ClientProcess.RunAsync(ClientScript.UamqpService, hub, new
        {
            host = hub.Host,
            ca = hub.Up.CaCertificate,
            policy = "service",
            key = hub.Up.PolicyKey("service"),
            redirectKey = hub.Up.PolicyKey("device"),
            partition = "0",
            count = 1,
        });

        var error = output.One("error");
        Assert.Equal("events", error.Text("stage"));
        Assert.Equal("TokenAuthFailure", error.Text("name"));
        Assert.Equal("401", error.Text("condition"));
    }

    private static object FullMessage(string id) => new
    {
        id,
        body = """{"temperature":21.5}""",
        contentType = "application/json;charset=utf-8",
        contentEncoding = "utf-8",
        correlationId = "correlation-7",
        properties = new Dictionary<string, object> { ["app_property_key"] = "app_property_value", ["unit"] = "°C" },
    };

    private static void AssertFullMessage(JsonElement message)
    {
        Assert.Equal("""{"temperature":21.5}""", message.Text("body"));
        Assert.Equal("application/json;charset=utf-8", message.Text("contentType"));
        Assert.Equal("utf-8", message.Text("contentEncoding"));
        Assert.Equal("correlation-7", message.Text("correlationId"));
        Assert.Equal("app_property_value", message.GetProperty("properties").Text("app_property_key"));
        Assert.Equal("°C", message.GetProperty("properties").Text("unit"));
    }

    private static void AssertHubAnnotations(JsonElement message, TestDevice device, DateTimeOffset before)
    {
        var annotations = message.GetProperty("annotations");
        Assert.Equal(device.Id, annotations.Text("iothub-connection-device-id"));
        Assert.Equal(device.GenerationId, annotations.Text("iothub-connection-auth-generation-id"));
        Assert.Equal("Telemetry", annotations.Text("iothub-message-source"));
        using var method = JsonDocument.Parse(annotations.Text("iothub-connection-auth-method")!);
        Assert.Equal("device", method.RootElement.Text("scope"));
        Assert.Equal("sas", method.RootElement.Text("type"));
        Assert.Equal("iothub", method.RootElement.Text("issuer"));
        var enqueued = annotations.Number("x-opt-enqueued-time");
        Assert.InRange(enqueued, before.ToUnixTimeMilliseconds(), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        Assert.InRange(annotations.Number("iothub-enqueuedtime"), before.ToUnixTimeMilliseconds(), enqueued + 1000);
        Assert.True(annotations.Number("x-opt-sequence-number") >= 0);
        Assert.Matches("^[0-9]+$", annotations.Text("x-opt-offset"));
        Assert.Null(annotations.Text("iothub-connection-module-id"));
    }

    private static long Sequence(JsonElement message) =>
        message.GetProperty("annotations").Number("x-opt-sequence-number");

    private static (string?, string?, string?) Annotations(JsonElement message) => (
        message.Of("annotations", "x-opt-sequence-number"),
        message.Of("annotations", "x-opt-offset"),
        message.Of("annotations", "x-opt-enqueued-time"));

    private static JsonElement[] Own(ClientOutput output, TestDevice device) =>
    [
        .. output.WithoutErrors().Of("message")
            .Where(line => line.Of("annotations", "iothub-connection-device-id") == device.Id),
    ];

    /// <summary>uamqp names the conditions of the specification by its own enumeration; vendors' stay text.</summary>
    private static string Condition(JsonElement error) => error.Text("condition") switch
    {
        "ErrorCodes.UnauthorizedAccess" => "amqp:unauthorized-access",
        "ErrorCodes.NotFound" => "amqp:not-found",
        "ErrorCodes.NotAllowed" => "amqp:not-allowed",
        { } other => other,
        null => "",
    };

    private Task<ClientOutput> SendAsync(
        TestDevice device, object[] messages, bool webSocket = false, bool batched = false, string? address = null) =>
        ClientProcess.RunAsync(ClientScript.UamqpDevice, standard.Hub, new
        {
            host = device.Host,
            ca = standard.Hub.Up.CaCertificate,
            deviceId = device.Id,
            key = device.Key,
            address = address ?? device.TelemetryAddress,
            webSocket,
            batched,
            messages,
        });

    private Task<ClientOutput> ReadAsync(
        string partition,
        int count,
        string? filter = null,
        bool webSocket = false,
        int quietMs = 2000,
        string? address = null) =>
        ClientProcess.RunAsync(ClientScript.UamqpService, standard.Hub, new
        {
            host = standard.Hub.Host,
            ca = standard.Hub.Up.CaCertificate,
            policy = "service",
            key = standard.Hub.Up.PolicyKey("service"),
            partition,
            address,
            count,
            filter,
            webSocket,
            quietMs,
        });
}
