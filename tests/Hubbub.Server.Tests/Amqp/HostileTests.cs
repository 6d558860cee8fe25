using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Peers that break the rules: what they hear, and that nobody else notices.</summary>
public sealed class HostileTests
{
    public static TheoryData<string, string> SessionErrors => new()
    {
        { "transfer on a handle that is not attached", ErrorCondition.UnattachedHandle },
        { "flow on a handle that is not attached", ErrorCondition.UnattachedHandle },
        { "attach on a handle in use", ErrorCondition.HandleInUse },
        { "flow ahead of what was sent", ErrorCondition.WindowViolation },
    };

    [Theory]
    [MemberData(nameof(SessionErrors))]
    public async Task SessionError_EndsThatSessionAndFreesItsLinks(string what, string condition)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var bystander = await hub.ConnectServiceAsync("iothubowner");
        var good = await bystander.Peer.Session(1).BeginAsync();
        var otherReader = await good.ReaderAsync(hub, 0);
        for (var i = 0; i < 4; i++)
            await bystander.ReaderAsync(hub, 0);

        await bystander.Peer.SendAsync(0, what switch
        {
            "transfer on a handle that is not attached" =>
                new Transfer { Handle = 99, DeliveryId = 0, DeliveryTag = new byte[1] }.Write,
            "flow on a handle that is not attached" => FlowOf(99, 1).Write,
            "attach on a handle in use" => new Attach
            {
                Name = "again",
                Handle = 0,
                Role = Role.Receiver,
                Source = new Source { Address = "$cbs".ToValue() },
            }.Write,
            _ => FlowOf(null, 1_000).Write,
        });

        var end = await bystander.Peer.NextAsync<End>(channel: 0);
        Assert.Equal(condition, end.Error!.Condition.Value);
        await hub.Log.WhenLoggedAsync(bystander.Peer.Id, condition);
        // Four of the five places are free again; the other session has kept its own.
        var session = await hub.ConnectServiceAsync();
        for (var i = 0; i < 4; i++)
            await session.ReaderAsync(hub, 0);
        await telemetry.SendEventsAsync(0, 1);
        Assert.Equal(0, (await otherReader.ReceiveAsync()).SequenceNumber);
    }

    [Theory]
    [InlineData("garbage frame")]
    [InlineData("frame above the maximum")]
    [InlineData("unknown performative")]
    [InlineData("second open")]
    [InlineData("SASL frame")]
    public async Task ConnectionError_ClosesThatConnectionAndNoOther(string what)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var bad = await hub.ConnectDeviceAsync("d1");
        await bad.TelemetryAsync("d1");

        switch (what)
        {
            case "garbage frame":
                await bad.Peer.SendAsync(new byte[] { 0, 0, 0, 12, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff });
                break;
            case "frame above the maximum":
                await bad.Peer.SendAsync(new byte[] { 0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0 });
                break;
            case "unknown performative":
                await bad.Peer.SendAsync(new byte[] { 0, 0, 0, 12, 2, 0, 0, 0, 0x00, 0x53, 0x99, 0x45 });
                break;
            case "second open":
                await bad.Peer.SendAsync(0, new Open { ContainerId = "again" }.Write);
                break;
            default:
                await bad.Peer.SendAsync(0, new SaslInit { Mechanism = "PLAIN" }.Write, type: FrameType.Sasl);
                break;
        }

        Assert.NotNull((await bad.Peer.NextAsync<Close>()).Error);
        await hub.Log.WhenLoggedAsync($"{bad.Peer.Id}: closed by the hub");
        await telemetry.SendEventsAsync(0, 1);
    }

    [Fact]
    public async Task Replies_NeverTaken_EndTheConnection()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var requests = await session.SenderAsync("$cbs");
        await session.ReceiverAsync("$cbs");
        var request = PeerSteps.PutToken(hub.DeviceToken("d1")).ToArray();

        for (var i = 0; i < 256; i++)
            await requests.SendAndWaitAsync(request);
        await requests.SendAsync(request);

        var close = await session.Peer.NextAsync<Close>();
        Assert.Equal(ErrorCondition.ResourceLimitExceeded, close.Error!.Condition.Value);
    }

    [Fact]
    public async Task TransfersAfterTheHubsDetach_AreDroppedAndTheSessionGoesOn()
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"));
        var session = await hub.ConnectServiceAsync("device");
        var link = await session.TelemetryAsync("d1");
        var other = await session.TelemetryAsync("d2");

        await hub.Core.Registry.DeleteDeviceAsync("d1", default, TestContext.Current.CancellationToken);
        await link.DetachedAsync();
        for (var i = 0; i < 100; i++)
            await link.SendAsync(Values.Message("late"));

        Assert.IsType<Accepted>(await other.SendAndWaitAsync(Values.Message("x")));
        await link.DetachAsync(wait: false);
        await session.PingAsync();
    }

    [Fact]
    public async Task Detach_WithEventsUnderWay_StoresThemAndAnswersTheDetach()
    {
        var log = new ScriptedLog(1);
        await using var hub = await TestHub.StartAsync(wrap: _ => log);
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");
        await link.SendAsync(Values.Message("x"));
        await log[0].WhenAppendedAsync(1);

        await link.DetachAsync();
        log[0].Commit();

        var again = await session.TelemetryAsync("d1");
        var id = await again.SendAsync(Values.Message("y"));
        await log[0].WhenAppendedAsync(2);
        log[0].Commit();
        Assert.IsType<Accepted>(await again.OutcomeAsync(id));
    }

    [Theory]
    [InlineData("operation")]
    [InlineData("type")]
    [InlineData("name")]
    public async Task Texts_OfMegabytes_AreNeitherLoggedNorSentBackWhole(string field)
    {
        await using var hub = await TestHub.StartAsync();
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        var application = new AmqpMapBuilder(MapKeyKind.String);
        foreach (var (key, value) in new[] { ("operation", "put-token"), ("type", "jwt"), ("name", "n") })
            application.Add(key, key == field ? new string('x', 500_000) : value);

        var reply = await cbs.SendAsync(PeerSteps.PutToken("nonsense") with { ApplicationProperties = application.Build() });
        await session.Peer.SendAsync(0, new Detach
        {
            Handle = cbs.Requests.Handle,
            Closed = true,
            Error = new AmqpError { Condition = "x:y", Description = new string('y', 60_000) },
        }.Write);
        await cbs.Requests.DetachedAsync();

        Assert.InRange(reply.Status, 400, 401);
        Assert.InRange(reply.Description.Length, 1, 2_000);
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: link", "x:y");
        Assert.All(hub.Log.Lines, line => Assert.InRange(line.Length, 1, 4_000));
    }

    [Fact]
    public async Task Errors_ToAPeerWithTheSmallestFrames_FitIntoOne()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var peer = hub.Connect();
        await peer.SaslAsync("PLAIN", PeerSteps.Plain("service@sas.root.hub1", hub.PolicyToken("service")));
        var session = await peer.OpenAsync(maxFrameSize: 512);

        var link = await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/{new string('ü', 700)}/Partitions/0", "l");
        var redirect = await session.ReceiverAsync("/messages/events/$management", "r");

        Assert.Equal(ErrorCondition.NotFound, link.Refusal?.Condition.Value);
        Assert.StartsWith("The messaging entity", link.Refusal!.Description, StringComparison.Ordinal);
        Assert.True(redirect.Refusal!.Info!.Value.TryGet("address", out _));
        Assert.InRange(peer.LargestFrame, 1, 512);
    }

    private static Flow FlowOf(uint? handle, uint nextIncomingId) => new()
    {
        NextIncomingId = nextIncomingId,
        IncomingWindow = 100,
        NextOutgoingId = 0,
        OutgoingWindow = 100,
        Handle = handle,
    };
}
