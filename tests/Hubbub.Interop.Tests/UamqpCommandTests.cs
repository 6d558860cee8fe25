using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// The commands of Microsoft's AMQP page on Debian's python3-uamqp: a service sends by /messages/devicebound, the
/// device receives on its link, the service reads feedback, and a device sends outcomes as messages.
/// </summary>
public sealed class UamqpCommandTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private HubProcess Hub => own.Hub;

    [Theory]
    [InlineData("accept", "Success")]
    [InlineData("reject", "Rejected")]
    public async Task Command_SentReceivedAndSettled_ComesBackAsFeedback(string settle, string status)
    {
        var device = await Hub.CreateDeviceAsync($"uamqp-command-{settle}", Cancellation);

        var sent = await SendAsync(device, "m1", "m2");
        var received = await ReceiveAsync(device, settle);
        var feedback = await FeedbackAsync(2);

        Assert.All(sent.WithoutErrors().Of("sent"), line => Assert.Equal("SendComplete", line.Text("state")));
        var commands = received.WithoutErrors().Of("command");
        Assert.Equal(["m1", "m2"], commands.Select(line => line.Text("messageId")));
        Assert.All(commands, line => AssertCommand(line, device));
        var records = feedback.WithoutErrors().Of("feedback");
        Assert.Equal(["m1", "m2"], records.Select(line => line.Text("originalMessageId")));
        Assert.All(records, line => AssertRecord(line, device, status));
    }

    [Fact]
    public async Task Command_Released_ComesAgainWithItsCount()
    {
        var device = await Hub.CreateDeviceAsync("uamqp-command-release", Cancellation);
        await SendAsync(device, "m1");

        await ReceiveAsync(device, "release", 1);
        var again = await ReceiveAsync(device, "accept", 1);

        Assert.Equal("1", Assert.Single(again.WithoutErrors().Of("command")).Of("annotations", "iothub-deliverycount"));
        Assert.Equal("Success", (await FeedbackAsync(1)).WithoutErrors().One("feedback").Text("statusCode"));
    }

    [Fact]
    public async Task Outcome_SentAsAMessage_SettlesTheCommand()
    {
        var device = await Hub.CreateDeviceAsync("uamqp-command-outcome", Cancellation);
        await SendAsync(device, "m1", "m2");

        var told = await RunAsync(new
        {
            role = "outcome",
            host = Hub.Host,
            ca = Hub.Up.CaCertificate,
            port = Hub.Up.Ports.Amqps,
            deviceId = device.Id,
            key = device.Key,
            outcomes = new[] { new { id = "m2", outcome = "rejected" }, new { id = "m1", outcome = "accepted" } },
        });

        Assert.All(told.WithoutErrors().Of("sent"), line => Assert.Equal("SendComplete", line.Text("state")));
        var records = (await FeedbackAsync(2)).WithoutErrors().Of("feedback");
        Assert.Equal(
            [("m1", "Success"), ("m2", "Rejected")],
            records.Select(line => (line.Text("originalMessageId"), line.Text("statusCode"))).Order());
    }

    [Fact]
    public async Task Command_ToAnUnknownDevice_FailsAloneAndTheNextGoesThrough()
    {
        var device = await Hub.CreateDeviceAsync("uamqp-command-good", Cancellation);

        var sent = await RunAsync(Request(
            new { id = "bad", to = "/devices/nobody/messages/devicebound", body = "x", ack = "none" },
            new { id = "good", to = $"/devices/{device.Id}/messages/devicebound", body = "x", ack = "none" }));

        Assert.Equal(
            [("bad", "SendFailed"), ("good", "SendComplete")],
            sent.Of("sent").Select(line => (line.Text("id"), line.Text("state"))));
    }

    private static void AssertCommand(JsonElement line, TestDevice device)
    {
        Assert.Equal($"/devices/{device.Id}/messages/devicebound", line.Text("to"));
        Assert.Equal("body", line.Text("body"));
        Assert.Equal("full", line.Of("properties", "iothub-ack"));
        Assert.Equal("°C", line.Of("properties", "unit"));
        var annotations = line.GetProperty("annotations");
        Assert.True(annotations.Number("x-opt-sequence-number") > 0);
        Assert.True(annotations.Number("iothub-enqueuedtime") > 0);
        Assert.Equal(0, annotations.Number("iothub-deliverycount"));
        Assert.True(Guid.TryParse(annotations.Text("x-opt-lock-token"), out _));
    }

    private static void AssertRecord(JsonElement line, TestDevice device, string status)
    {
        Assert.Equal("application/vnd.microsoft.iothub.feedback.json", line.Text("contentType"));
        Assert.Equal(status, line.Text("statusCode"));
        Assert.Equal(status, line.Text("description"));
        Assert.Equal(device.Id, line.Text("deviceId"));
        Assert.Equal(device.GenerationId, line.Text("deviceGenerationId"));
    }

    private Task<ClientOutput> SendAsync(TestDevice device, params string[] ids) => RunAsync(Request(
        [.. ids.Select(id => new { id, to = $"/devices/{device.Id}/messages/devicebound", body = "body", ack = "full" })]));

    private object Request(params object[] messages) => new
    {
        role = "send",
        host = Hub.Host,
        ca = Hub.Up.CaCertificate,
        port = Hub.Up.Ports.Amqps,
        policy = "service",
        key = Hub.Up.PolicyKey("service"),
        messages,
    };

    private Task<ClientOutput> ReceiveAsync(TestDevice device, string settle, int count = 2) => RunAsync(new
    {
        role = "receive",
        host = Hub.Host,
        ca = Hub.Up.CaCertificate,
        port = Hub.Up.Ports.Amqps,
        deviceId = device.Id,
        key = device.Key,
        count,
        settle,
    });

    private Task<ClientOutput> FeedbackAsync(int count) => RunAsync(new
    {
        role = "feedback",
        host = Hub.Host,
        ca = Hub.Up.CaCertificate,
        port = Hub.Up.Ports.Amqps,
        policy = "service",
        key = Hub.Up.PolicyKey("service"),
        count,
    });

    private Task<ClientOutput> RunAsync(object request) => ClientProcess.RunAsync(ClientScript.UamqpCommands, Hub, request);
}
