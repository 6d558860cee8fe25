using System.Text;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

/// <summary>What a device sends and what becomes of it.</summary>
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
            CreationTime = DateTimeOffset.UnixEpoch,
            Properties = { ["unit"] = "°C" },
        };

        await device.SendAsync(message, Some.Patience);

        Assert.Equal("MSSBCBS", hub.Last.SaslInit!.Mechanism.Value);
        var token = Assert.Single(hub.Last.Tokens);
        Assert.Contains("sr=hub.example%2Fdevices%2Fd1&", token, StringComparison.Ordinal);
        var (format, payload) = Assert.Single(hub.Last.Messages);
        Assert.Equal(0u, format);
        var sections = Some.Read(payload);
        var properties = sections.ReadProperties()!;
        Assert.Equal("text/plain", properties.ContentType!.Value.Value);
        Assert.Equal("utf-8", properties.ContentEncoding!.Value.Value);
        Assert.True(properties.MessageId!.Value.TextEquals("m-1"));
        Assert.True(properties.CorrelationId!.Value.TextEquals("c-1"));
        var application = sections.ApplicationProperties!.Value;
        Assert.True(application.TryGet("unit", out var unit) && unit.TextEquals("°C"));
        Assert.True(application.TryGet("iothub-creation-time-utc", out var created));
        Assert.True(created.TextEquals("1970-01-01T00:00:00.0000000Z"));
        Assert.Equal("21.5", Encoding.UTF8.GetString(Assert.Single(Some.Payloads(sections))));
    }

    [Fact]
    public async Task Send_Module_UsesItsOwnAddressAndToken()
    {
        var hub = new FakeHub();
        await using var module = DeviceClient.CreateFromConnectionString(
            $"HostName=hub.example;DeviceId=d%1;ModuleId=m1;SharedAccessKey={Some.Key}",
            new DeviceClientOptions { Dial = hub.DialAsync });

        await module.SendAsync(new TelemetryMessage("x"), Some.Patience);

        var target = Assert.IsType<Target>(hub.Last.Attaches[^1].Target);
        Assert.True(target.Address!.Value.TextEquals("/devices/d%251/modules/m1/messages/events"));
        // The id is encoded once for the resource and once more for the token, as the C# SDK does it.
        Assert.Contains(
            "sr=hub.example%2Fdevices%2Fd%25251%2Fmodules%2Fm1&", hub.Last.Tokens[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Send_ManyAtATime_AllAcceptedInTheOrderOfTheCallsBeyondTheWindow()
    {
        var hub = new FakeHub { Credit = 7 };
        await using var device = Some.DeviceOf(hub, new() { SendWindow = 10 });
        await device.OpenAsync(Some.Patience);

        var sends = new List<Task>();
        for (var i = 0; i < 500; i++)
            sends.Add(device.SendAsync(new TelemetryMessage(FakeHub.Text(i)), Some.Patience).AsTask());
        await Task.WhenAll(sends);

        Assert.Equal(Enumerable.Range(0, 500).Select(FakeHub.Text), hub.Last.Messages.Select(Some.BodyOf));
    }

    [Fact]
    public async Task Send_FromManyTasks_EachIsAcceptedOnce()
    {
        var hub = new FakeHub { Credit = 50 };
        await using var device = Some.DeviceOf(hub, new() { SendWindow = 20 });

        await Parallel.ForAsync(0, 1_000, Some.Patience, async (i, cancellation) =>
            await device.SendAsync(new TelemetryMessage(FakeHub.Text(i)), cancellation));

        Assert.Equal(
            Enumerable.Range(0, 1_000).Select(FakeHub.Text).Order(StringComparer.Ordinal),
            hub.Last.Messages.Select(Some.BodyOf).Order(StringComparer.Ordinal));
        Assert.Single(hub.Connections);
    }

    [Fact]
    public async Task Send_MessageMayChangeAfterTheCall_WhatWasGivenIsSent()
    {
        var hub = new FakeHub { Credit = 0 };
        await using var device = Some.DeviceOf(hub);
        await device.OpenAsync(Some.Patience);
        var message = new TelemetryMessage("first");

        var sent = device.SendAsync(message, Some.Patience);
        message.Body = "second"u8.ToArray();
        hub.Last.GrantCredit(1);
        await sent;

        Assert.Equal("first", Some.BodyOf(Assert.Single(hub.Last.Messages)));
    }

    [Fact]
    public async Task Send_LargerThanAFrame_ArrivesWhole()
    {
        var hub = new FakeHub { FrameSizeBytesMax = 512 };
        await using var device = Some.DeviceOf(hub);
        var body = new string('x', 100_000);

        await device.SendAsync(new TelemetryMessage(body), Some.Patience);

        Assert.Equal(body, Some.BodyOf(Assert.Single(hub.Last.Messages)));
    }

    [Fact]
    public async Task SendBatch_SplitsBelowTheHubsLimits()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub);
        var messages = Enumerable.Range(0, 1_201).Select(i => new TelemetryMessage(FakeHub.Text(i))).ToList();
        messages.Add(new TelemetryMessage(new byte[200_000]));
        messages.Add(new TelemetryMessage(new byte[200_000]));

        await device.SendBatchAsync(messages, Some.Patience);

        Assert.All(hub.Last.Messages, message => Assert.Equal(MessageFormats.Batch, message.Format));
        Assert.All(hub.Last.Messages, message => Assert.InRange(message.Payload.Length, 1, 262_144));
        var items = hub.Last.Messages
            .Select(message => Some.Payloads(Some.Read(message.Payload, message.Format)))
            .ToList();
        Assert.Equal([500, 500, 202, 1], items.Select(item => item.Count));
        Assert.Equal("1200", Some.BodyOf((0, items[2][200])));
    }

    [Fact]
    public async Task SendBatch_OneMessageTooLarge_SendsNothing()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub);

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.SendBatchAsync(
            [new TelemetryMessage("fits"), new TelemetryMessage(new byte[262_144])], Some.Patience));

        Assert.Equal(ErrorCondition.MessageSizeExceeded, refused.Condition);
        Assert.Contains("message 2", refused.Message, StringComparison.Ordinal);
        Assert.Empty(hub.Connections);
    }

    [Fact]
    public async Task SendBatch_LinkThatTakesLess_IsSplitBelowThat_AndTheFirstOneIsToldHowMuch()
    {
        var hub = new FakeHub { MessageSizeBytesMax = 10_000 };
        await using var device = Some.DeviceOf(hub);
        var messages = Enumerable.Range(0, 100).Select(_ => new TelemetryMessage(new byte[900])).ToList();

        // Before there is a link nobody knows.
        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.SendBatchAsync(messages, Some.Patience));
        await device.SendBatchAsync(messages, Some.Patience);

        Assert.Equal(ErrorCondition.MessageSizeExceeded, refused.Condition);
        Assert.Contains("the batch has 9", refused.Message, StringComparison.Ordinal);
        Assert.Contains("the link takes 10000; send fewer messages", refused.Message, StringComparison.Ordinal);
        Assert.All(hub.Last.Messages, message => Assert.InRange(message.Payload.Length, 1, 10_000));
        Assert.Equal(100, hub.Last.Messages.Sum(message => Some.Payloads(Some.Read(message.Payload, message.Format)).Count));
        var one = await Assert.ThrowsAsync<HubbubException>(
            () => device.SendBatchAsync([new TelemetryMessage(new byte[10_000])], Some.Patience));
        Assert.Contains("message 1 of the batch", one.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SendBatch_OneOfSeveralRejected_SaysHowManyWereAccepted()
    {
        var received = 0;
        var hub = new FakeHub
        {
            OnMessage = _ => ++received == 2
                ? new Rejected { Error = Some.Error("amqp:resource-limit-exceeded") }
                : Accepted.Instance,
        };
        await using var device = Some.DeviceOf(hub);

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.SendBatchAsync(
            Enumerable.Range(0, 1_200).Select(i => new TelemetryMessage(FakeHub.Text(i))), Some.Patience));

        Assert.Contains("700 of 1200", refused.Message, StringComparison.Ordinal);
        Assert.Equal("amqp:resource-limit-exceeded", refused.Condition);
    }

    [Fact]
    public async Task Send_Plain_GivesUserNameAndTokenBeforeOpenAndNoClaim()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub, new() { Authentication = ClientAuthentication.SaslPlain });

        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);

        Assert.Equal("PLAIN", hub.Last.SaslInit!.Mechanism.Value);
        var parts = Encoding.UTF8.GetString(hub.Last.SaslInit.InitialResponse!.Value.Span).Split('\0');
        Assert.Equal(["", "d1@sas.hub"], parts[..2]);
        Assert.StartsWith("SharedAccessSignature sr=hub.example%2Fdevices%2Fd1&", parts[2], StringComparison.Ordinal);
        Assert.Empty(hub.Last.Tokens);
    }
}
