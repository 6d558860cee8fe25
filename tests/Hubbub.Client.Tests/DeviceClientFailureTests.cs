using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

/// <summary>What a device is told when something is refused or lost.</summary>
public sealed class DeviceClientFailureTests
{
    [Fact]
    public async Task Send_Rejected_TellsConditionDescriptionAndTrackingId()
    {
        var hub = new FakeHub
        {
            OnMessage = _ => new Rejected
            {
                Error = new AmqpError
                {
                    Condition = "amqp:link:message-size-exceeded",
                    Description = "Too large. TrackingId:abc-1, SystemTracker:x",
                },
            },
        };
        await using var device = Some.DeviceOf(hub);

        var refused = await Assert.ThrowsAsync<HubbubException>(
            () => device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask());

        Assert.Equal("amqp:link:message-size-exceeded", refused.Condition);
        Assert.Equal("abc-1", refused.TrackingId);
        Assert.Equal("/devices/d1/messages/events", refused.Address);
        Assert.False(refused.IsTransient);
        // The link has survived.
        hub.OnMessage = _ => Accepted.Instance;
        await device.SendAsync(new TelemetryMessage("y"), Some.Patience);
        Assert.Single(hub.Connections);
    }

    [Fact]
    public async Task Send_Released_IsTransient()
    {
        var hub = new FakeHub { OnMessage = _ => Released.Instance };
        await using var device = Some.DeviceOf(hub);

        var refused = await Assert.ThrowsAsync<HubbubException>(
            () => device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask());

        Assert.Equal(HubbubCondition.Released, refused.Condition);
        Assert.True(refused.IsTransient);
    }

    [Fact]
    public async Task Send_LargerThanTheLinkTakes_IsRefusedHereAndNothingElseIsHarmed()
    {
        var hub = new FakeHub { MessageSizeBytesMax = 1_000 };
        await using var device = Some.DeviceOf(hub);
        await device.OpenAsync(Some.Patience);

        var refused = await Assert.ThrowsAsync<HubbubException>(
            async () => await device.SendAsync(new TelemetryMessage(new byte[1_000]), Some.Patience));

        Assert.Equal(ErrorCondition.MessageSizeExceeded, refused.Condition);
        await device.SendAsync(new TelemetryMessage(new byte[900]), Some.Patience);
        Assert.Single(hub.Last.Messages);
    }

    [Fact]
    public async Task Open_LinkRefused_TellsWhy()
    {
        var hub = new FakeHub
        {
            OnAttach = attach => attach.Name.StartsWith('$') ? null : Some.Error(ErrorCondition.NotFound),
        };
        await using var device = Some.DeviceOf(hub);

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.OpenAsync(Some.Patience));

        Assert.Equal(ErrorCondition.NotFound, refused.Condition);
        Assert.Equal("/devices/d1/messages/events", refused.Address);
    }

    [Theory]
    [InlineData(401, ErrorCondition.UnauthorizedAccess, false)]
    [InlineData(404, ErrorCondition.NotFound, false)]
    [InlineData(400, ErrorCondition.InvalidField, false)]
    [InlineData(503, "com.microsoft:server-busy", true)]
    public async Task Open_ClaimRefused_TellsTheStatusAsACondition(int status, string condition, bool isTransient)
    {
        var hub = new FakeHub { OnPutToken = (_, _) => (status, "The token is of no use.") };
        await using var device = Some.DeviceOf(hub, new() { Reconnect = ReconnectPolicy.None });

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.OpenAsync(Some.Patience));

        Assert.Equal((condition, isTransient), (refused.Condition, refused.IsTransient));
        Assert.Contains("The token is of no use", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SharedAccessSignature", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_PlainRefused_IsUnauthorized()
    {
        var hub = new FakeHub { PlainIsGood = false };
        await using var device = Some.DeviceOf(hub, new() { Authentication = ClientAuthentication.SaslPlain });

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.OpenAsync(Some.Patience));

        Assert.Equal(ErrorCondition.UnauthorizedAccess, refused.Condition);
        Assert.Equal("amqps://hub.example:5671", refused.Address);
    }

    [Fact]
    public async Task Send_ConnectionCutWithSendsUnderWay_AllFailAndTheNextCallConnectsAgain()
    {
        var hub = new FakeHub { OnMessage = _ => null, Credit = 3 };
        await using var device = Some.DeviceOf(hub, new() { SendWindow = 5, Reconnect = ReconnectPolicy.None });
        await device.OpenAsync(Some.Patience);
        var message = new TelemetryMessage("x");
        var sends = Enumerable.Range(0, 10).Select(_ => device.SendAsync(message, Some.Patience).AsTask()).ToList();
        await hub.Last.WhenAsync(peer => peer.Messages.Count == 3, Some.Patience);

        hub.Last.Cut();

        // Three are unanswered, two wait for credit, five stand in line.
        foreach (var send in sends)
        {
            var lost = await Assert.ThrowsAsync<HubbubException>(() => send);
            Assert.Equal(HubbubCondition.ConnectionLost, lost.Condition);
            Assert.True(lost.IsTransient);
        }
        hub.OnMessage = _ => Accepted.Instance;
        await device.SendAsync(new TelemetryMessage("again"), Some.Patience);
        Assert.Equal(2, hub.Connections.Count);
    }

    [Fact]
    public async Task Send_ConnectionClosedByTheHub_TellsItsReason()
    {
        var hub = new FakeHub { OnMessage = _ => null };
        await using var device = Some.DeviceOf(hub, new() { Reconnect = ReconnectPolicy.None });
        await device.OpenAsync(Some.Patience);
        var send = device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask();

        hub.Last.Close(Some.Error(ErrorCondition.ConnectionForced));

        var lost = await Assert.ThrowsAsync<HubbubException>(() => send);
        Assert.Equal(ErrorCondition.ConnectionForced, lost.Condition);
    }

    [Fact]
    public async Task Send_Cancelled_EndsTheWaitAndTheMessageDoesNotGoOutWithoutCredit()
    {
        var hub = new FakeHub { Credit = 0 };
        await using var device = Some.DeviceOf(hub, new() { SendWindow = 1 });
        await device.OpenAsync(Some.Patience);
        using var cancel = new CancellationTokenSource();

        var inWindow = device.SendAsync(new TelemetryMessage("in the window"), cancel.Token).AsTask();
        var inLine = device.SendAsync(new TelemetryMessage("in line"), cancel.Token).AsTask();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => inWindow);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => inLine);
        var last = device.SendAsync(new TelemetryMessage("sent"), Some.Patience);
        hub.Last.GrantCredit(5);
        await last;
        Assert.Equal("sent", Some.BodyOf(Assert.Single(hub.Last.Messages)));
    }

    [Fact]
    public async Task Send_AfterClose_SaysSo()
    {
        var hub = new FakeHub { OnMessage = _ => null };
        var device = Some.DeviceOf(hub);
        await device.OpenAsync(Some.Patience);
        var underWay = device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask();

        await device.CloseAsync(Some.Patience);

        Assert.Equal(HubbubCondition.Closed, (await Assert.ThrowsAsync<HubbubException>(() => underWay)).Condition);
        var late = await Assert.ThrowsAsync<HubbubException>(
            () => device.SendAsync(new TelemetryMessage("y"), Some.Patience).AsTask());
        Assert.Equal(HubbubCondition.Closed, late.Condition);
    }

    [Fact]
    public async Task Open_NobodyListens_SaysWhereAndThatItMayHeal()
    {
        await using var device = DeviceClient.CreateFromConnectionString(
            $"HostName=localhost;DeviceId=d;SharedAccessKey={Some.Key};AmqpsPort=1",
            new DeviceClientOptions { Reconnect = ReconnectPolicy.None });

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.OpenAsync(Some.Patience));

        Assert.Equal(HubbubCondition.Unreachable, refused.Condition);
        Assert.Equal("amqps://localhost:1", refused.Address);
        Assert.True(refused.IsTransient);
    }
}
