using Hubbub.Client.Connections;

namespace Hubbub.Client.Tests;

/// <summary>Whom a change of state is told, and what handlers cannot do to the client.</summary>
public sealed class ConnectionStateTests
{
    [Fact]
    public async Task Handler_ThatIsSlow_IsToldOfTheNewestChangesOnly_InOrder()
    {
        var signal = new ConnectionStateSignal(this);
        using var entered = new SemaphoreSlim(0);
        using var goOn = new ManualResetEventSlim();
        var closed = new TaskCompletionSource();
        var told = new List<ConnectionStateChangedEventArgs>();
        signal.Changed += (_, change) =>
        {
            told.Add(change);
            entered.Release();
            goOn.Wait(Some.Patience);
            if (change.State == ConnectionState.Closed)
                closed.SetResult();
        };
        signal.Set(ConnectionState.Connecting, null);
        await entered.WaitAsync(Some.Patience);

        for (var i = 0; i < 1_000; i++)
        {
            signal.Set(ConnectionState.Connected, null);
            signal.Set(ConnectionState.Reconnecting, HubbubException.Lost(FakeHub.Text(i)));
        }
        signal.Set(ConnectionState.Closed, null);
        goOn.Set();
        await closed.Task.WaitAsync(Some.Patience);

        Assert.Equal(1 + ClientLimits.StateChangesMax, told.Count);
        Assert.Equal(ConnectionState.Closed, told[^1].State);
        Assert.Equal(
            Enumerable.Range(992, 8).Select(FakeHub.Text),
            told.Skip(1).Where(change => change.Reason is not null).Select(change => change.Reason!.Address));
        Assert.Equal(ConnectionState.Closed, signal.State);
    }

    [Fact]
    public async Task Handler_ThatThrowsOrBlocks_HarmsNeitherTheClientNorOtherHandlers()
    {
        var hub = new FakeHub();
        var device = Some.DeviceOf(hub, new() { Reconnect = new() { InitialDelay = TimeSpan.FromMilliseconds(1) } });
        using var goOn = new ManualResetEventSlim();
        var closed = new TaskCompletionSource();
        device.ConnectionStateChanged += (_, _) => throw new InvalidOperationException("a bug of the caller's");
        device.ConnectionStateChanged += (_, change) =>
        {
            goOn.Wait(Some.Patience);
            if (change.State == ConnectionState.Closed)
                closed.SetResult();
        };

        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        hub.Last.Cut();
        await hub.WhenDialledAsync(2, Some.Patience);
        await device.SendAsync(new TelemetryMessage("y"), Some.Patience);
        await device.CloseAsync(Some.Patience);
        goOn.Set();

        await closed.Task.WaitAsync(Some.Patience);
        Assert.Equal("y", Some.BodyOf(Assert.Single(hub.Last.Messages)));
    }
}
