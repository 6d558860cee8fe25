using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// Microsoft's device SDK for Node, unmodified, over AMQP and AMQP over WebSocket; its Event Hubs SDK reads what came.
/// </summary>
[Collection(StandardPorts.Name)]
public sealed class NodeDeviceTests(StandardHub standard)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TwentyDevices_SendAThousandMessages_EachIsReadOnceAndInOrder(bool webSocket)
    {
        const int perDevice = 50;
        var hub = standard.Hub;
        var devices = await hub.CreateDevicesAsync($"node-{webSocket}", 20, Cancellation);
        var reader = await EventHubReader.AtTheEndAsync(hub);

        var sent = await ClientProcess.RunAsync(ClientScript.IotDevice, hub, new
        {
            scenario = "send",
            devices = devices.Select(device => device.ConnectionString),
            perDevice,
            webSocket,
            prefix = "n",
        });
        var events = await reader.ReadAsync(devices.Length * perDevice);

        Assert.Equal(1000, sent.WithoutErrors().One("sent").Number("count"));
        Assert.Equal(1000, events.Select(line => line.Text("messageId")).Distinct().Count());
        Assert.Equal(1000, events.Length);
        foreach (var device in devices) AssertDevice(device, events, perDevice);
    }

    [Fact]
    public async Task Devices_RenewTheirTokensWhileSending_NothingIsDisturbed()
    {
        const int perDevice = 60;
        var hub = standard.Hub;
        var devices = await hub.CreateDevicesAsync("node-renewal", 5, Cancellation);
        var reader = await EventHubReader.AtTheEndAsync(hub);

        var sent = await ClientProcess.RunAsync(ClientScript.IotDevice, hub, new
        {
            scenario = "send",
            devices = devices.Select(device => device.ConnectionString),
            perDevice,
            pauseMs = 100,
            token = new { validSeconds = 5, marginSeconds = 4 },
            prefix = "r",
        });
        var events = await reader.ReadAsync(devices.Length * perDevice);

        var renewed = sent.WithoutErrors().Of("renewed").Select(line => line.Text("deviceId")).ToArray();
        Assert.All(devices, device => Assert.True(renewed.Count(id => id == device.Id) >= 4, sent.ToString()));
        foreach (var device in devices) AssertDevice(device, events, perDevice);
    }

    [Fact]
    public async Task Device_WithAWrongKey_IsUnauthorizedAndTheOtherGoesOn()
    {
        var hub = standard.Hub;
        var good = await hub.CreateDeviceAsync("node-good", Cancellation);
        var bad = (await hub.CreateDeviceAsync("node-bad", Cancellation)) with { Key = good.Key };
        var reader = await EventHubReader.AtTheEndAsync(hub);

        var refused = await ClientProcess.RunAsync(ClientScript.IotDevice, hub, Request(bad));
        var sent = await ClientProcess.RunAsync(ClientScript.IotDevice, hub, Request(good));
        var events = await reader.ReadAsync(3);

        Assert.Equal("UnauthorizedError", refused.One("error").Text("name"));
        Assert.Equal(3, sent.WithoutErrors().One("sent").Number("count"));
        AssertDevice(good, events, 3);

        static object Request(TestDevice device) =>
            new { scenario = "send", devices = new[] { device.ConnectionString }, perDevice = 3, prefix = "k" };
    }

    private static void AssertDevice(TestDevice device, JsonElement[] events, int count)
    {
        var own = events.Where(line => line.Of("system", "iothub-connection-device-id") == device.Id).ToArray();
        var indexes = own.Select(line => line.Of("properties", "index"));
        Assert.Equal(Enumerable.Range(0, count).Select(index => $"{index}"), indexes);
        Assert.All(own, line =>
        {
            var index = line.Of("properties", "index");
            Assert.Equal(device.Partition, line.Text("partitionId"));
            Assert.EndsWith($"-{device.Id}-{index}", line.Text("messageId"));
            Assert.Equal($"correlation-{index}", line.Text("correlationId"));
            Assert.Equal("application/json", line.Text("contentType"));
            Assert.Equal($$"""{"deviceId":"{{device.Id}}","index":{{index}}}""", line.Text("body"));
        });
    }
}
