namespace Hubbub.Client.Tests;

/// <summary>
/// A peer that vanishes without a word, for clients that only receive: nothing they send could fail, so the silence
/// itself has to tell them, after twice <see cref="ClientOptions.IdleTimeoutMs"/>.
/// </summary>
public sealed class SilenceTests
{
    private readonly WatchedTime _time = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));

    [Fact]
    public async Task Reader_HubVanishes_IsLostAfterTwoMinutesAndReadsOnOverAnotherConnection()
    {
        // The hub's own time stands still, so that it is not the one to notice.
        var hub = new FakeHub(new WatchedTime(DateTimeOffset.UnixEpoch));
        await using var reader = Some.ReaderOf(hub, options: new() { TimeProvider = _time, Reconnect = AtOnce });
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, ["0"], Some.Patience);
        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        var vanished = hub.Last;
        await vanished.SendEventAsync("0", Some.Event(7, "a"), Some.Patience);
        Assert.True(await events.MoveNextAsync());
        var next = events.MoveNextAsync();
        vanished.Swallow();

        _time.Advance(TimeSpan.FromSeconds(119));
        Assert.Single(hub.Connections);
        _time.Advance(TimeSpan.FromSeconds(1));
        var other = await hub.WhenDialledAsync(2, Some.Patience);
        await other.SendEventAsync("0", Some.Event(8, "b"), Some.Patience);

        Assert.True(await next);
        Assert.Equal(8, events.Current.SequenceNumber);
    }

    [Fact]
    public async Task Commands_HubVanishes_AreReceivedOverAnotherConnectionAfterTwiceTheIdleTimeout()
    {
        var hub = new FakeHub(new WatchedTime(DateTimeOffset.UnixEpoch));
        await using var device = Some.DeviceOf(
            hub, new() { TimeProvider = _time, Reconnect = AtOnce, IdleTimeoutMs = 5_000 });
        await using var commands = device.ReceiveCommandsAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);
        var next = commands.MoveNextAsync();
        var vanished = await hub.WhenDialledAsync(1, Some.Patience);
        await vanished.WhenAsync(peer => peer.HasCredit("devicebound"), Some.Patience);
        vanished.Swallow();

        _time.Advance(TimeSpan.FromSeconds(10));
        var other = await hub.WhenDialledAsync(2, Some.Patience);
        await other.SendEventAsync("devicebound", Some.Event(1, "go"), Some.Patience);

        Assert.True(await next);
        Assert.Equal("m1", commands.Current.MessageId);
    }

    private static ReconnectPolicy AtOnce => new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero };
}
