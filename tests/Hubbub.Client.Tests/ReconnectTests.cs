using System.Collections.Concurrent;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

/// <summary>What a client does when its connection, its session or its link is lost.</summary>
public sealed class ReconnectTests
{
    private static readonly ReconnectPolicy Soon = new()
    {
        InitialDelay = TimeSpan.FromMilliseconds(1),
        MaxDelay = TimeSpan.FromMilliseconds(5),
    };

    private static readonly ReconnectPolicy AtOnce = new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero };

    [Fact]
    public async Task Send_ConnectionCut_UnansweredIsSentAgainInOrderAndTheRestAfterIt()
    {
        var hub = new FakeHub { OnMessage = _ => null, Credit = 3 };
        await using var device = Some.DeviceOf(hub, new() { SendWindow = 5, Reconnect = Soon });
        await device.OpenAsync(Some.Patience);
        var sends = Enumerable.Range(0, 10)
            .Select(i => device.SendAsync(new TelemetryMessage(FakeHub.Text(i)), Some.Patience).AsTask())
            .ToList();
        await hub.Last.WhenAsync(peer => peer.Messages.Count == 3, Some.Patience);
        hub.OnMessage = _ => Accepted.Instance;

        hub.Last.Cut();

        await Task.WhenAll(sends);
        Assert.Equal(2, hub.Connections.Count);
        Assert.Equal(Enumerable.Range(0, 10).Select(FakeHub.Text), hub.Last.Messages.Select(Some.BodyOf));
    }

    [Fact]
    public async Task Send_ConnectionCutAndFailAsked_UnansweredFailsAndTheRestGoesOut()
    {
        var hub = new FakeHub { OnMessage = _ => null, Credit = 3 };
        await using var device = Some.DeviceOf(
            hub, new() { Reconnect = Soon, UnacknowledgedSends = UnacknowledgedSends.Fail });
        await device.OpenAsync(Some.Patience);
        var sends = Enumerable.Range(0, 5)
            .Select(i => device.SendAsync(new TelemetryMessage(FakeHub.Text(i)), Some.Patience).AsTask())
            .ToList();
        await hub.Last.WhenAsync(peer => peer.Messages.Count == 3, Some.Patience);
        hub.OnMessage = _ => Accepted.Instance;

        hub.Last.Cut();

        foreach (var send in sends[..3])
        {
            var lost = await Assert.ThrowsAsync<HubbubException>(() => send);
            Assert.Equal((HubbubCondition.ConnectionLost, true), (lost.Condition, lost.IsTransient));
        }
        await Task.WhenAll(sends[3..]);
        Assert.Equal(["3", "4"], hub.Last.Messages.Select(Some.BodyOf));
    }

    [Fact]
    public async Task Send_CancelledWhileUnanswered_IsNotSentAgain()
    {
        var hub = new FakeHub { OnMessage = _ => null };
        await using var device = Some.DeviceOf(hub, new() { Reconnect = Soon });
        await device.OpenAsync(Some.Patience);
        using var cancel = new CancellationTokenSource();
        var cancelled = device.SendAsync(new TelemetryMessage("given up"), cancel.Token).AsTask();
        var kept = device.SendAsync(new TelemetryMessage("kept"), Some.Patience).AsTask();
        await hub.Last.WhenAsync(peer => peer.Messages.Count == 2, Some.Patience);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        hub.OnMessage = _ => Accepted.Instance;

        hub.Last.Cut();

        await kept;
        Assert.Equal("kept", Some.BodyOf(Assert.Single(hub.Last.Messages)));
    }

    [Fact]
    public async Task Link_DetachedForAnExpiredToken_ComesBackWithANewOne()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub, new() { Reconnect = Soon });
        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);

        hub.Last.EndSessions(Some.Error(ErrorCondition.UnauthorizedAccess));
        await device.SendAsync(new TelemetryMessage("y"), Some.Patience);

        Assert.Single(hub.Connections);
        Assert.Equal(2, hub.Last.Tokens.Count);
        Assert.Equal(["x", "y"], hub.Last.Messages.Select(Some.BodyOf));
    }

    [Fact]
    public async Task Link_DetachedAloneForAnExpiredToken_ComesBackWithANewOneOnItsSession()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub, new() { Reconnect = Soon });
        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        // Without another token the hub takes no link.
        hub.OnAttach = attach => hub.Last.Tokens.Count > 1 ? null : Some.Error(ErrorCondition.UnauthorizedAccess);

        hub.Last.DetachTelemetry(Some.Error(ErrorCondition.UnauthorizedAccess));
        await device.SendAsync(new TelemetryMessage("y"), Some.Patience);

        Assert.Single(hub.Connections);
        Assert.Equal(2, hub.Last.Tokens.Count);
        Assert.Equal(["x", "y"], hub.Last.Messages.Select(Some.BodyOf));
    }

    [Fact]
    public async Task Device_DisabledMeanwhile_IsToldSoAndNotTriedForEver()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub, new() { Reconnect = Soon });
        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        hub.OnPutToken = (_, _) => (401, "The device is disabled.");

        hub.Last.EndSessions(Some.Error(ErrorCondition.UnauthorizedAccess));
        var refused = await Assert.ThrowsAsync<HubbubException>(
            () => device.SendAsync(new TelemetryMessage("y"), Some.Patience).AsTask());

        Assert.Equal(ErrorCondition.UnauthorizedAccess, refused.Condition);
        Assert.Contains("disabled", refused.Message, StringComparison.Ordinal);
        var tries = hub.Last.Tokens.Count;
        hub.OnPutToken = (_, _) => (200, "OK");
        // It is enabled again, and the next call is a new beginning.
        await device.SendAsync(new TelemetryMessage("z"), Some.Patience);
        Assert.InRange(hub.Last.Tokens.Count, tries, tries + 2);
    }

    [Fact]
    public async Task Send_WhileTheHubIsAway_FailsInItsTimeAndSaysWhy()
    {
        var time = new WatchedTime(DateTimeOffset.UnixEpoch);
        var dialled = 0;
        await using var device = DeviceClient.CreateFromConnectionString(Some.Device, new()
        {
            TimeProvider = time,
            Random = new Longest(),
            Dial = (_, _, _) =>
            {
                dialled++;
                throw new HubbubException(HubbubCondition.Unreachable, "nobody listens there", "hub");
            },
        });

        var send = device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask();
        foreach (var wait in new[] { 0.25, 0.5, 1, 2 })
        {
            await time.WhenWaitedForAsync(TimeSpan.FromSeconds(wait), Some.Patience);
            time.Advance(TimeSpan.FromSeconds(wait));
        }
        await time.WhenWaitedForAsync(TimeSpan.FromSeconds(4), Some.Patience);
        Assert.False(send.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(30));

        var late = await Assert.ThrowsAsync<HubbubException>(() => send);
        Assert.Equal((HubbubCondition.Timeout, true), (late.Condition, late.IsTransient));
        Assert.Contains("nobody listens there", late.Message, StringComparison.Ordinal);
        Assert.Equal(HubbubCondition.Unreachable, Assert.IsType<HubbubException>(late.InnerException).Condition);
        Assert.InRange(dialled, 5, 6);
    }

    [Fact]
    public async Task Send_HubGoesSilent_FailsInItsTimeAndTheNextOneGoesOverAnotherConnection()
    {
        var time = new WatchedTime(DateTimeOffset.UnixEpoch);
        var hub = new FakeHub(time) { IdleTimeoutMs = uint.MaxValue };
        await using var device = Some.DeviceOf(
            hub, new() { TimeProvider = time, IdleTimeoutMs = uint.MaxValue, Reconnect = AtOnce });
        await device.SendAsync(new TelemetryMessage("warm"), Some.Patience);
        hub.OnMessage = _ => null;

        var send = device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask();
        await hub.Last.WhenAsync(peer => peer.Messages.Count == 2, Some.Patience);
        time.Advance(TimeSpan.FromSeconds(31));

        var late = await Assert.ThrowsAsync<HubbubException>(() => send);
        Assert.Equal(HubbubCondition.Timeout, late.Condition);
        Assert.Contains("may have the message", late.Message, StringComparison.Ordinal);
        hub.OnMessage = _ => Accepted.Instance;
        var next = device.SendAsync(new TelemetryMessage("y"), Some.Patience).AsTask();
        await next;
        Assert.Equal(2, hub.Connections.Count);
    }

    [Fact]
    public async Task States_AreToldInOrderWithTheirReasons()
    {
        var hub = new FakeHub();
        var device = Some.DeviceOf(hub, new() { Reconnect = Soon });
        var changes = new ConcurrentQueue<ConnectionStateChangedEventArgs>();
        var closed = new TaskCompletionSource();
        device.ConnectionStateChanged += (sender, change) =>
        {
            Assert.Same(device, sender);
            changes.Enqueue(change);
            if (change.State == ConnectionState.Closed)
                closed.SetResult();
        };
        Assert.Equal(ConnectionState.Disconnected, device.State);

        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        hub.Last.Cut();
        await hub.WhenDialledAsync(2, Some.Patience);
        await device.SendAsync(new TelemetryMessage("y"), Some.Patience);
        await device.CloseAsync(Some.Patience);
        await closed.Task.WaitAsync(Some.Patience);

        Assert.Equal(
            [ConnectionState.Connecting, ConnectionState.Connected, ConnectionState.Reconnecting,
                ConnectionState.Connected, ConnectionState.Closed],
            changes.Select(change => change.State));
        Assert.Equal(HubbubCondition.ConnectionLost, changes.ElementAt(2).Reason?.Condition);
        Assert.Equal(ConnectionState.Closed, device.State);
    }

    [Fact]
    public async Task Commands_TakenByANewerReceiver_AreLeftToIt()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub, new() { Reconnect = Soon });
        await using var commands = device.ReceiveCommandsAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);
        var next = commands.MoveNextAsync().AsTask();
        var peer = await hub.WhenDialledAsync(1, Some.Patience);
        await peer.WhenAsync(_ => peer.HasCredit("devicebound"), Some.Patience);

        hub.Last.DetachPartition("devicebound", new AmqpError
        {
            Condition = ErrorCondition.InternalError,
            Description = "Another AMQP Client has opened a Receive Link for this device.",
        });

        var taken = await Assert.ThrowsAsync<HubbubException>(() => next);
        Assert.False(taken.IsTransient);
    }

    /// <summary>Jitter that is always the whole bound.</summary>
    private sealed class Longest : Random
    {
        public override double NextDouble() => 1;
    }
}
