using System.Collections.Concurrent;
using System.Text;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

/// <summary>
/// A connection that SASL PLAIN has proven is replaced before its token expires, and nobody notices.
/// </summary>
public sealed class ConnectionRenewalTests
{
    private const uint NeverIdleMs = uint.MaxValue;
    private readonly WatchedTime _time = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));

    [Fact]
    public async Task Plain_AtEightyFivePercent_AnotherConnectionTakesOver_AndWhatIsUnansweredIsNotSentAgain()
    {
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs, OnMessage = _ => null };
        await using var device = DeviceOf(hub);
        var changes = new ConcurrentQueue<ConnectionState>();
        device.ConnectionStateChanged += (_, change) => changes.Enqueue(change.State);
        var first = device.SendAsync(new TelemetryMessage("first"), Some.Patience).AsTask();
        var old = await hub.WhenDialledAsync(1, Some.Patience);
        await old.WhenAsync(peer => peer.Messages.Count == 1, Some.Patience);

        _time.Advance(TimeSpan.FromMinutes(50));
        Assert.Single(hub.Connections);
        _time.Advance(TimeSpan.FromMinutes(1));
        var other = await hub.WhenDialledAsync(2, Some.Patience);
        Assert.False(first.IsCompleted);
        old.AcceptAll();
        await first;
        // The old one is closed when nothing is under way on it.
        await old.Running.WaitAsync(Some.Patience);
        var second = device.SendAsync(new TelemetryMessage("second"), Some.Patience).AsTask();
        await other.WhenAsync(peer => peer.Messages.Count == 1, Some.Patience);
        other.AcceptAll();
        await second;

        Assert.Equal("first", Some.BodyOf(Assert.Single(old.Messages)));
        Assert.Equal("second", Some.BodyOf(Assert.Single(other.Messages)));
        Assert.Contains("&se=1800003600", PasswordOf(old), StringComparison.Ordinal);
        Assert.Contains("&se=1800006660", PasswordOf(other), StringComparison.Ordinal);
        Assert.Equal(ConnectionState.Connected, device.State);
        Assert.DoesNotContain(ConnectionState.Reconnecting, changes);
    }

    [Fact]
    public async Task Plain_SendsWithoutAPause_AreAllAnsweredOnceAndInOrderOverManyTokens()
    {
        const int Tokens = 5;
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs, Credit = 20 };
        await using var device = DeviceOf(hub);
        using var stop = new CancellationTokenSource();
        var count = 0;
        var sending = Task.Run(async () =>
        {
            var underWay = new Queue<Task>();
            while (!stop.IsCancellationRequested)
            {
                underWay.Enqueue(device.SendAsync(new TelemetryMessage(FakeHub.Text(count++)), Some.Patience).AsTask());
                if (underWay.Count == 50)
                    await underWay.Dequeue();
            }
            await Task.WhenAll(underWay);
        }, Some.Patience);

        for (var i = 1; i < Tokens; i++)
        {
            var current = await hub.WhenDialledAsync(i, Some.Patience);
            await current.WhenAsync(peer => peer.Messages.Count > 100, Some.Patience);
            _time.Advance(TimeSpan.FromMinutes(51));
            await current.Running.WaitAsync(Some.Patience);
        }
        await stop.CancelAsync();
        await sending;

        Assert.Equal(Tokens, hub.Connections.Count);
        Assert.Equal(
            Enumerable.Range(0, count).Select(FakeHub.Text),
            hub.Connections.SelectMany(connection => connection.Messages).Select(Some.BodyOf));
    }

    [Fact]
    public async Task Plain_AnswerThatNeverComes_HoldsTheOldConnectionForAThirdOfAnOperationsTime()
    {
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs, OnMessage = _ => null };
        await using var device = DeviceOf(hub, TimeSpan.FromHours(2));
        var first = device.SendAsync(new TelemetryMessage("first"), Some.Patience).AsTask();
        var old = await hub.WhenDialledAsync(1, Some.Patience);
        await old.WhenAsync(peer => peer.Messages.Count == 1, Some.Patience);

        _time.Advance(TimeSpan.FromMinutes(51));
        await _time.WhenWaitedForAsync(TimeSpan.FromMinutes(40), Some.Patience);
        hub.OnMessage = _ => Accepted.Instance;
        var second = device.SendAsync(new TelemetryMessage("second"), Some.Patience).AsTask();
        _time.Advance(TimeSpan.FromMinutes(40));
        await Task.WhenAll(first, second);

        await old.Running.WaitAsync(Some.Patience);
        Assert.Equal(["first", "second"], hub.Last.Messages.Select(Some.BodyOf));
    }

    [Fact]
    public async Task Plain_LastLinkOfTheOldConnectionEnds_ItIsClosedAtOnce()
    {
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs, OnMessage = _ => null };
        await using var device = DeviceOf(hub, TimeSpan.FromHours(2));
        var send = device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask();
        var old = await hub.WhenDialledAsync(1, Some.Patience);
        await old.WhenAsync(peer => peer.Messages.Count == 1, Some.Patience);
        _time.Advance(TimeSpan.FromMinutes(51));
        await _time.WhenWaitedForAsync(TimeSpan.FromMinutes(40), Some.Patience);

        old.DetachTelemetry(new AmqpError { Condition = ErrorCondition.InternalError });
        await old.Running.WaitAsync(Some.Patience);
        await hub.Last.WhenAsync(peer => peer.Messages.Count == 1, Some.Patience);
        hub.Last.AcceptAll();
        await send;

        Assert.Equal(2, hub.Connections.Count);
    }

    [Fact]
    public async Task Plain_SessionBegunOnTheOldConnectionMeanwhile_GoesWithIt()
    {
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs, OnMessage = _ => null };
        using var asked = new SemaphoreSlim(0);
        var mayGoOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var device = DeviceClient.CreateFromConnectionString(Some.Device, Options(TimeSpan.FromDays(1)) with
        {
            Dial = async (address, options, cancellationToken) =>
            {
                asked.Release();
                if (hub.Connections.Count == 1)
                    await mayGoOn.Task.WaitAsync(cancellationToken);
                return await hub.DialAsync(address, options, cancellationToken);
            },
        });
        var send = device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask();
        await asked.WaitAsync(Some.Patience);
        var old = await hub.WhenDialledAsync(1, Some.Patience);
        await old.WhenAsync(peer => peer.Messages.Count == 1, Some.Patience);
        _time.Advance(TimeSpan.FromMinutes(51));
        await asked.WaitAsync(Some.Patience);

        old.EndSessions(new AmqpError { Condition = ErrorCondition.InternalError });
        await old.WhenAsync(peer => peer.Messages.Count == 2, Some.Patience);
        mayGoOn.SetResult();
        await old.Running.WaitAsync(Some.Patience);
        await hub.Last.WhenAsync(peer => peer.Messages.Count == 1, Some.Patience);
        hub.Last.AcceptAll();
        await send;

        Assert.Equal(2, hub.Connections.Count);
    }

    [Fact]
    public async Task Plain_RenewalRefused_IsTriedAgainWhileTheOldConnectionWorksOn()
    {
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs };
        await using var device = DeviceOf(hub);
        await device.OpenAsync(Some.Patience);
        hub.PlainIsGood = false;

        _time.Advance(TimeSpan.FromMinutes(51));
        var refused = await hub.WhenDialledAsync(2, Some.Patience);
        await refused.Running.WaitAsync(Some.Patience);
        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        Assert.Single(hub.Connections[0].Messages);
        hub.PlainIsGood = true;
        await _time.WhenWaitedForAsync(TimeSpan.FromSeconds(30), Some.Patience);
        _time.Advance(TimeSpan.FromSeconds(30));
        await hub.Connections[0].Running.WaitAsync(Some.Patience);
        await device.SendAsync(new TelemetryMessage("last"), Some.Patience);

        Assert.Equal(3, hub.Connections.Count);
        Assert.Equal("last", Some.BodyOf(Assert.Single(hub.Last.Messages)));
        Assert.Equal(ConnectionState.Connected, device.State);
    }

    [Fact]
    public async Task Plain_ClosedWhileItIsRenewed_ClosesBothConnections()
    {
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs, OnMessage = _ => null };
        var device = DeviceOf(hub);
        var send = device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask();
        var old = await hub.WhenDialledAsync(1, Some.Patience);
        await old.WhenAsync(peer => peer.Messages.Count == 1, Some.Patience);
        _time.Advance(TimeSpan.FromMinutes(51));
        var other = await hub.WhenDialledAsync(2, Some.Patience);

        await device.DisposeAsync();

        var closed = await Assert.ThrowsAsync<HubbubException>(() => send);
        Assert.Equal(HubbubCondition.Closed, closed.Condition);
        await Task.WhenAll(old.Running, other.Running).WaitAsync(Some.Patience);
    }

    [Fact]
    public async Task Commands_LockedWhenTheConnectionIsReplaced_AreSettledAndOnlyLaterOnesComeByTheNew()
    {
        var time = new WatchedTime(TimeProvider.System.GetUtcNow());
        await using var hub = await RealHub.StartAsync(time);
        using var dialled = new SemaphoreSlim(0);
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"), new()
        {
            Authentication = ClientAuthentication.SaslPlain,
            TokenLifetime = TimeSpan.FromMinutes(2),
            TimeProvider = time,
            IdleTimeoutMs = NeverIdleMs,
            OperationTimeout = TimeSpan.FromDays(1),
            ConnectTimeout = TimeSpan.FromDays(1),
            Dial = (address, options, c) =>
            {
                dialled.Release();
                return Connections.Dialer.DialAsync(address, options, c);
            },
        });
        await using var service = ServiceClient.CreateFromConnectionString(
            hub.ConnectionStringOf("service"), new() { TimeProvider = time, IdleTimeoutMs = NeverIdleMs });
        await using var commands = device.ReceiveCommandsAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);
        var next = commands.MoveNextAsync().AsTask();
        await dialled.WaitAsync(Some.Patience);
        await device.OpenAsync(Some.Patience);
        time.Advance(TimeSpan.FromSeconds(90));
        await service.SendAsync("d", new CommandMessage("first"), Some.Patience);
        Assert.True(await next);
        var locked = commands.Current;

        time.Advance(TimeSpan.FromSeconds(12));
        await dialled.WaitAsync(Some.Patience);
        await service.SendAsync("d", new CommandMessage("second"), Some.Patience);
        await locked.CompleteAsync(Some.Patience);
        Assert.True(await commands.MoveNextAsync());
        await commands.Current.CompleteAsync(Some.Patience);

        Assert.Equal("first", Encoding.UTF8.GetString(locked.Body.Span));
        Assert.Equal("second", Encoding.UTF8.GetString(commands.Current.Body.Span));
        Assert.Equal((0, 0), (locked.DeliveryCount, commands.Current.DeliveryCount));
    }

    private static string PasswordOf(FakeHubConnection connection) =>
        Encoding.UTF8.GetString(connection.SaslInit!.InitialResponse!.Value.Span).Split('\0')[2];

    private DeviceClient DeviceOf(FakeHub hub, TimeSpan? operationTimeout = null) =>
        Some.DeviceOf(hub, Options(operationTimeout ?? TimeSpan.FromDays(1)));

    private DeviceClientOptions Options(TimeSpan operationTimeout) => new()
    {
        Authentication = ClientAuthentication.SaslPlain,
        TimeProvider = _time,
        IdleTimeoutMs = NeverIdleMs,
        OperationTimeout = operationTimeout,
        ConnectTimeout = TimeSpan.FromDays(1),
        Reconnect = new ReconnectPolicy { InitialDelay = TimeSpan.Zero },
    };
}
