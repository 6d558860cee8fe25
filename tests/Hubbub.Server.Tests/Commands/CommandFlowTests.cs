using System.Text.Json;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Identities;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Commands;

/// <summary>Commands on the wire: from the service to the device, and what became of them back to the service.</summary>
public sealed class CommandFlowTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Command_AllTheWay_HasTheTypesThatClientsCastTo()
    {
        await using var hub = await CommandSteps.StartAsync();
        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();
        var feedback = await hub.FeedbackAsync();
        var commands = await hub.CommandsAsync();
        var application = new AmqpMapBuilder(MapKeyKind.String)
            .Add("iothub-ack", "Full").Add("text", "°C").Add("number", 7).Add("flag", true).Add("nothing", (string?)null);
        var sent = new OutgoingMessage
        {
            Header = new Header { Durable = true },
            MessageAnnotations = new AmqpMapBuilder().Add("x-opt-lock-token", "forged").Build(),
            Properties = new Properties
            {
                MessageId = "m-1".ToValue(),
                UserId = new byte[] { 1, 2, 3 },
                To = "/devices/d1/messages/deviceBound".ToValue(),
                CorrelationId = "c-1".ToValue(),
                ContentType = new Symbol("application/json"),
                ContentEncoding = new Symbol("utf-8"),
                AbsoluteExpiryTime = hub.Time.GetUtcNow().AddMinutes(5),
            },
            ApplicationProperties = application.Build(),
            Data = "{}"u8.ToArray(),
        };

        Assert.IsType<Accepted>(await commands.SendAndWaitAsync(sent.ToArray()));
        var received = await device.ReceiveAsync();

        Assert.False(received.Transfer.Settled ?? false);
        Assert.Equal(AmqpKind.ULong, received.Annotation("x-opt-sequence-number").Kind);
        Assert.Equal(AmqpKind.Timestamp, received.Annotation("iothub-enqueuedtime").Kind);
        Assert.Equal(AmqpKind.UByte, received.Annotation("iothub-deliverycount").Kind);
        var token = Values.TextOf(received.Annotation("x-opt-lock-token"));
        Assert.Equal(new Guid(received.Transfer.DeliveryTag!.Value.Span), Guid.Parse(token));
        Assert.Equal(4, received.Sections.MessageAnnotations!.Value.Count);
        Assert.Equal(sent.Properties, received.Sections.ReadProperties()! with { UserId = sent.Properties.UserId });
        Assert.Equal([1, 2, 3], received.Sections.ReadProperties()!.UserId!.Value.ToArray());
        var properties = received.Sections.ApplicationProperties!.Value;
        Assert.All(properties, p => Assert.Equal(AmqpKind.String, p.Value.Kind));
        Assert.Equal(
            ["iothub-ack=Full", "text=°C", "number=7", "flag=true"],
            properties.Select(p => $"{Values.TextOf(p.Key)}={Values.TextOf(p.Value)}"));
        Assert.Equal("{}", received.Text);
        Assert.Equal(1, received.Sections.BodySectionCount);

        await device.SettleAsync(received, Accepted.Instance);
        var told = await feedback.ReceiveAsync();
        AssertFeedback(hub, told);
    }

    [Theory]
    [InlineData("/messages/devicebound", "/devices/d1/messages/devicebound")]
    [InlineData("messages/deviceBound", "/devices/d1/messages/deviceBound")]
    [InlineData("amqps://hub1.example.net/messages/devicebound", "devices/d1/messages/devicebound")]
    [InlineData("/Messages/DeviceBound/", "/Devices/%641/Messages/DEVICEBOUND")]
    [InlineData("amqps://hub1.example.net:5671/messages/devicebound", "amqps://hub1.example.net/devices/d1/messages/devicebound")]
    public async Task Address_AnySpelling_ReachesTheDevice(string link, string to)
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync(link);
        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();

        Assert.IsType<Accepted>(await commands.SendAndWaitAsync(CommandSteps.Command("m", to)));

        var received = await device.ReceiveAsync();
        Assert.StartsWith("/devices/", Values.TextOf(received.Sections.ReadProperties()!.To!.Value), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("/devices/d1/modules/m1/messages/devicebound")]
    [InlineData("/devices/d1/modules/m1/messages/events")] // Where module clients of Node and of Edge listen.
    public async Task Command_ToAModule_ReachesItAndNotItsDevice(string address)
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        Assert.Equal(200, (await cbs.PutAsync(hub.ModuleToken("d1", "m1"))).Status);
        var module = await session.CommandReceiverAsync(address: address);

        await commands.SendAndWaitAsync(CommandSteps.Command("m", "/devices/d1/modules/m1/messages/deviceBound"));

        Assert.Equal("m", (await module.ReceiveAsync()).MessageId());
        await device.Session.PingAsync();
        Assert.Equal(0, device.Waiting);
    }

    [Theory]
    [InlineData(null, "com.microsoft:argument-error")]
    [InlineData("/devices/d1/messages/events", "com.microsoft:argument-error")]
    [InlineData("nonsense", "com.microsoft:argument-error")]
    [InlineData("/devices/ghost/messages/devicebound", "amqp:not-found")]
    [InlineData("/devices/D1/messages/devicebound", "amqp:not-found")]
    [InlineData("/devices/d1/modules/ghost/messages/devicebound", "amqp:not-found")]
    public async Task Command_ToNobody_IsRejectedAndTheLinkGoesOn(string? to, string condition)
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();

        var outcome = await commands.SendAndWaitAsync(CommandSteps.Command("m", to));

        Assert.Equal(condition, Assert.IsType<Rejected>(outcome).Error!.Condition.Value);
        Assert.IsType<Accepted>(await commands.SendAndWaitAsync(CommandSteps.Command("next")));
    }

    [Fact]
    public async Task Command_ThatMayNotBe_IsRejectedAndTheLinkGoesOn()
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        async Task<string> ConditionOf(byte[] message, uint format = 0) =>
            Assert.IsType<Rejected>(await commands.SendAndWaitAsync(message, format)).Error!.Condition.Value;

        Assert.Equal(ErrorCondition.MessageSizeExceeded, await ConditionOf(CommandSteps.Command("m", body: new string('x', 65_537))));
        Assert.Equal("com.microsoft:argument-error", await ConditionOf(CommandSteps.Command("m", ack: "sometimes")));
        Assert.Equal(ErrorCondition.NotImplemented, await ConditionOf(CommandSteps.Command("m"), MessageFormats.Batch));
        Assert.Equal(ErrorCondition.DecodeError, await ConditionOf([1, 2, 3]));
        for (var i = 0; i < 50; i++)
            Assert.IsType<Accepted>(await commands.SendAndWaitAsync(CommandSteps.Command($"{i}")));
        Assert.Equal(ErrorCondition.ResourceLimitExceeded, await ConditionOf(CommandSteps.Command("51st")));
        Assert.False(commands.IsDetached);
    }

    [Theory]
    [InlineData("accepted", "Success")]
    [InlineData("rejected", "Rejected")]
    [InlineData("undeliverable", "Rejected")]
    public async Task Device_SettlesSecond_GetsASettledAcceptedWhateverItAskedFor(string outcome, string status)
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var feedback = await hub.FeedbackAsync();
        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync(mode: ReceiverSettleMode.Second);
        Assert.Equal(ReceiverSettleMode.Second, device.Reply.RcvSettleMode);
        await commands.SendAndWaitAsync(CommandSteps.Command("m"));
        var received = await device.ReceiveAsync();

        await device.SettleAsync(received, OutcomeOf(outcome), settled: false);

        Assert.IsType<Accepted>(await device.AnswerAsync(received));
        Assert.Equal([("m", status)], (await feedback.ReceiveAsync()).Records());
    }

    [Theory]
    [InlineData("released", 1)]
    [InlineData("failed", 1)]
    [InlineData("modified", 0)]
    public async Task Device_GivesBack_GetsItAgainAtOnce(string outcome, byte deliveryCount)
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync(mode: ReceiverSettleMode.Second);
        await commands.SendAndWaitAsync(CommandSteps.Command("m"));
        var first = await device.ReceiveAsync();

        await device.SettleAsync(first, OutcomeOf(outcome), settled: false);
        Assert.IsType<Accepted>(await device.AnswerAsync(first));

        var second = await device.ReceiveAsync();
        Assert.Equal("m", second.MessageId());
        Assert.True(second.Annotation("iothub-deliverycount").TryGetUInt32(out var count));
        Assert.Equal(deliveryCount, count);
        Assert.NotEqual(first.Transfer.DeliveryTag!.Value.ToArray(), second.Transfer.DeliveryTag!.Value.ToArray());
    }

    [Theory]
    [InlineData(ReceiverSettleMode.First)]
    [InlineData(ReceiverSettleMode.Second)]
    public async Task Device_ThatLetsTheLockEnd_IsToldAndGetsTheCommandAgain(ReceiverSettleMode mode)
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var feedback = await hub.FeedbackAsync();
        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync(2, mode);
        await commands.SendAndWaitAsync(CommandSteps.Command("m"));
        var first = await device.ReceiveAsync();

        await hub.AdvanceAsync(TimeSpan.FromSeconds(61), device.Session.Peer, commands.Session.Peer, feedback.Session.Peer);

        // The delivery is settled, so that it takes no room in the session, and nobody waits for an answer any more.
        var answer = Assert.IsType<Rejected>(await device.AnswerAsync(first));
        Assert.Equal("com.microsoft:message-lock-lost", answer.Error!.Condition.Value);
        var second = await device.ReceiveAsync();
        Assert.Equal("m", second.MessageId());
        await device.SettleAsync(first, new Rejected(), settled: true);
        await device.SettleAsync(second, Accepted.Instance, settled: true);
        Assert.Equal([("m", "Success")], (await feedback.ReceiveAsync()).Records());
    }

    [Fact]
    public async Task FeedbackReceiver_ThatLetsTheLockEnd_IsToldAndGetsTheMessageAgain()
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var feedback = await hub.FeedbackAsync();
        await commands.SendAndWaitAsync(CommandSteps.Command("m"));
        await hub.Core.Commands.PurgeAsync(new("d1"), Cancellation);
        var first = await feedback.ReceiveAsync();

        await hub.AdvanceAsync(TimeSpan.FromSeconds(61), feedback.Session.Peer, commands.Session.Peer);

        var answer = Assert.IsType<Rejected>(await feedback.AnswerAsync(first));
        Assert.Equal("com.microsoft:message-lock-lost", answer.Error!.Condition.Value);
        Assert.Equal([("m", "Purged")], (await feedback.ReceiveAsync()).Records());
    }

    [Fact]
    public async Task Device_WithLittleCredit_GetsNoMoreThanThat()
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        for (var i = 0; i < 5; i++)
            await commands.SendAndWaitAsync(CommandSteps.Command($"{i}"));
        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync(2);

        var first = await device.ReceiveAsync(2);
        await device.Session.PingAsync();
        Assert.Equal(0, device.Waiting);
        await device.CreditAsync(10);

        Assert.Equal(["0", "1", "2", "3", "4"], first.Concat(await device.ReceiveAsync(3)).Select(m => m.MessageId()));
    }

    [Fact]
    public async Task SecondReceiver_OfTheDevice_TakesOverAndTheOlderIsTold()
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var older = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();
        await commands.SendAndWaitAsync(CommandSteps.Command("m"));
        await older.ReceiveAsync();

        var newer = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();

        var error = await older.DetachedAsync();
        Assert.Equal(ErrorCondition.InternalError, error!.Condition.Value);
        Assert.Contains("Another AMQP Client has opened a Receive Link", error.Description, StringComparison.Ordinal);
        Assert.Equal("m", (await newer.ReceiveAsync()).MessageId());
        await older.Session.PingAsync();
    }

    [Fact]
    public async Task Device_ThatGoesAway_LeavesItsCommandsToItsNextConnection()
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var first = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();
        await commands.SendAndWaitAsync(CommandSteps.Command("a"));
        await commands.SendAndWaitAsync(CommandSteps.Command("b"));
        await first.ReceiveAsync(2);

        await first.Session.Peer.DisposeAsync();

        var second = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();
        Assert.Equal(["a", "b"], (await second.ReceiveAsync(2)).Select(m => m.MessageId()));
    }

    [Fact]
    public async Task Device_DisabledOrDeleted_LosesItsLink()
    {
        await using var hub = await CommandSteps.StartAsync();
        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();
        await hub.Core.Registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Disabled }, IfMatch.Any, Cancellation);
        Assert.Equal(ErrorCondition.UnauthorizedAccess, (await device.DetachedAsync())!.Condition.Value);
        await hub.Core.Registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Enabled }, IfMatch.Any, Cancellation);
        var again = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();

        await hub.Core.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);

        Assert.Equal(ErrorCondition.NotFound, (await again.DetachedAsync())!.Condition.Value);
    }

    [Fact]
    public async Task DeviceWithPresettledLink_Receiving_IsCompletion()
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var feedback = await hub.FeedbackAsync();
        var session = await hub.ConnectDeviceAsync("d1");
        var device = await session.ReceiverAsync(
            "/devices/d1/messages/devicebound", change: a => a with { SndSettleMode = SenderSettleMode.Settled });
        await device.CreditAsync(10);

        await commands.SendAndWaitAsync(CommandSteps.Command("m"));

        Assert.True((await device.ReceiveAsync()).Transfer.Settled);
        Assert.Equal([("m", "Success")], (await feedback.ReceiveAsync()).Records());
    }

    [Fact]
    public async Task DeviceFeedbackSender_NamesAnOutcome_SettlesTheCommandOfTheDevice()
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var feedback = await hub.FeedbackAsync();
        var session = await hub.ConnectDeviceAsync("d1");
        var device = await session.CommandReceiverAsync();
        foreach (var id in new[] { "a", "b", "c" })
            await commands.SendAndWaitAsync(CommandSteps.Command(id));
        await device.ReceiveAsync(3);
        var outcomes = await session.SenderAsync(CommandSteps.FeedbackAddress);
        Assert.Null(outcomes.Refusal);

        Assert.IsType<Accepted>(await outcomes.SendAndWaitAsync(OutcomeMessage("a", "accepted")));
        Assert.Equal([("a", "Success")], (await feedback.ReceiveAsync()).Records());
        Assert.IsType<Accepted>(await outcomes.SendAndWaitAsync(OutcomeMessage("b", "Rejected")));
        Assert.Equal([("b", "Rejected")], (await feedback.ReceiveAsync()).Records());
        Assert.IsType<Accepted>(await outcomes.SendAndWaitAsync(OutcomeMessage("c", "released")));
        Assert.Equal("c", (await device.ReceiveAsync()).MessageId());
        var unknown = Assert.IsType<Rejected>(await outcomes.SendAndWaitAsync(OutcomeMessage("a", "accepted")));
        Assert.Equal("com.microsoft:message-lock-lost", unknown.Error!.Condition.Value);
        var wrong = Assert.IsType<Rejected>(await outcomes.SendAndWaitAsync(OutcomeMessage("c", "perhaps")));
        Assert.Equal("com.microsoft:argument-error", wrong.Error!.Condition.Value);
        var service = await (await hub.ConnectServiceAsync()).SenderAsync(CommandSteps.FeedbackAddress);
        Assert.Equal(ErrorCondition.UnauthorizedAccess, service.Refusal!.Condition.Value);
    }

    [Fact]
    public async Task Feedback_Abandoned_GoesToAnotherReceiver()
    {
        await using var hub = await CommandSteps.StartAsync();
        var commands = await hub.CommandsAsync();
        var first = await hub.FeedbackAsync(1, ReceiverSettleMode.Second);
        await commands.SendAndWaitAsync(CommandSteps.Command("m", change: p => p with
        {
            AbsoluteExpiryTime = hub.Time.GetUtcNow().AddSeconds(1),
        }));
        await hub.AdvanceAsync(TimeSpan.FromSeconds(2), first.Session.Peer);
        var message = await first.ReceiveAsync();
        Assert.Equal([("m", "Expired")], message.Records());
        var second = await hub.FeedbackAsync();

        await first.SettleAsync(message, Released.Instance, settled: false);

        Assert.IsType<Accepted>(await first.AnswerAsync(message));
        var again = await second.ReceiveAsync();
        Assert.Equal([("m", "Expired")], again.Records());
        await second.SettleAsync(again, Accepted.Instance);
        await second.Session.PingAsync();
    }

    private static void AssertFeedback(TestHub hub, ReceivedMessage told)
    {
        var properties = told.Sections.ReadProperties()!;
        Assert.Equal("application/vnd.microsoft.iothub.feedback.json", properties.ContentType!.Value.Value);
        Assert.Equal("hub1"u8.ToArray(), properties.UserId!.Value.ToArray());
        Assert.Equal(AmqpKind.Timestamp, told.Annotation("iothub-enqueuedtime").Kind);
        Assert.Equal(16, told.Transfer.DeliveryTag!.Value.Length);
        Assert.Equal(1, told.Sections.BodySectionCount);
        using var json = JsonDocument.Parse(told.Data);
        var record = Assert.Single(json.RootElement.EnumerateArray());
        Assert.Equal(
            ["originalMessageId", "enqueuedTimeUtc", "statusCode", "description", "deviceId", "deviceGenerationId"],
            record.EnumerateObject().Select(p => p.Name));
        Assert.Equal("m-1", record.GetProperty("originalMessageId").GetString());
        Assert.Equal("2026-05-01T10:00:00.0000000Z", record.GetProperty("enqueuedTimeUtc").GetString());
        Assert.Equal("Success", record.GetProperty("statusCode").GetString());
        Assert.Equal("Success", record.GetProperty("description").GetString());
        Assert.Equal("d1", record.GetProperty("deviceId").GetString());
        Assert.Equal(hub.Core.Registry.FindDevice("d1")!.GenerationId, record.GetProperty("deviceGenerationId").GetString());
    }

    private static DeliveryState OutcomeOf(string name) => name switch
    {
        "accepted" => Accepted.Instance,
        "rejected" => new Rejected(),
        "undeliverable" => new Modified { UndeliverableHere = true },
        "released" => Released.Instance,
        "failed" => new Modified { DeliveryFailed = true },
        _ => new Modified(),
    };

    private static byte[] OutcomeMessage(string messageId, string outcome) => new OutgoingMessage
    {
        Properties = new Properties { CorrelationId = messageId.ToValue() },
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("iothub-outcome", outcome).Build(),
    }.ToArray();
}
