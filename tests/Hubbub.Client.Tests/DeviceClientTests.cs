using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

public sealed class DeviceClientTests
{
    [Fact]
    public async Task Send_FirstMessage_ConnectsClaimsAttachesAndIsAccepted()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub);
        var message = new TelemetryMessage("21.5")
        {
            ContentType = "text/plain",
            ContentEncoding = "utf-8",
            MessageId = "m-1",
            CorrelationId = "c-1",
            Properties = { ["unit"] = "°C" },
        };

        await device.SendAsync(message, Some.Patience);

        Assert.Equal("MSSBCBS", hub.Last.SaslInit!.Mechanism.Value);
        var token = Assert.Single(hub.Last.Tokens);
        Assert.Contains("sr=hub.example%2Fdevices%2Fd1&", token);
        var (format, payload) = Assert.Single(hub.Last.Messages);
        Assert.Equal(0u, format);
        Assert.True(MessageSections.TryRead(payload, SectionOrder.Strict, out var sections, out var problem), problem.Text);
        var properties = sections.ReadProperties()!;
        Assert.Equal("text/plain", properties.ContentType!.Value.Value);
        Assert.Equal("utf-8", properties.ContentEncoding!.Value.Value);
        Assert.True(properties.MessageId!.Value.TextEquals("m-1"));
        Assert.True(properties.CorrelationId!.Value.TextEquals("c-1"));
        Assert.True(sections.ApplicationProperties!.Value.TryGet("unit", out var unit) && unit.TextEquals("°C"));
        Assert.Equal("21.5", Encoding.UTF8.GetString(Assert.Single(Payloads(sections))));
    }

    [Fact]
    public async Task Send_ManyAtATime_AllAcceptedInOrderBeyondTheWindow()
    {
        var hub = new FakeHub { Credit = 7 };
        await using var device = Some.DeviceOf(hub, new() { SendWindow = 10 });

        var sends = new List<Task>();
        for (var i = 0; i < 500; i++)
            sends.Add(device.SendAsync(new TelemetryMessage(FakeHub.Text(i)), Some.Patience).AsTask());
        await Task.WhenAll(sends);

        Assert.Equal(Enumerable.Range(0, 500).Select(FakeHub.Text), hub.Last.Messages.Select(BodyOf));
    }

    internal static string BodyOf((uint Format, byte[] Payload) message)
    {
        Assert.True(MessageSections.TryRead(message.Payload, SectionOrder.Strict, out var sections, out var problem), problem.Text);
        return Encoding.UTF8.GetString(Assert.Single(Payloads(sections)));
    }

    internal static List<byte[]> Payloads(in MessageSections sections)
    {
        var result = new List<byte[]>();
        foreach (var payload in sections.Data)
            result.Add(payload.ToArray());
        return result;
    }
}
