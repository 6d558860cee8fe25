namespace Hubbub.Client.Tests.Faults;

/// <summary>The hub itself goes away and comes back while its clients work.</summary>
public sealed class HubRestartTests
{
    private static readonly ReconnectPolicy Soon = new()
    {
        InitialDelay = TimeSpan.FromMilliseconds(5),
        MaxDelay = TimeSpan.FromMilliseconds(100),
    };

    [Fact]
    public async Task Telemetry_OverRestarts_ArrivesAndIsReadOnceEachByNumber()
    {
        const int Restarts = 4;
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(
            await hub.CreateDeviceAsync("d"), new() { Reconnect = Soon, SendWindow = 50 });
        await using var reader = EventReader.CreateFromConnectionString(
            hub.ConnectionStringOf("service"), new() { Reconnect = Soon });
        await using var subscription = await reader.SubscribeAsync(
            EventPosition.Start, cancellationToken: Some.Patience);
        using var stop = new CancellationTokenSource();
        using var progress = new SemaphoreSlim(0);
        var sent = 0;
        var sending = Task.Run(async () =>
        {
            var underWay = new Queue<Task>();
            while (!stop.IsCancellationRequested)
            {
                var message = new TelemetryMessage("x") { MessageId = FakeHub.Text(sent++) };
                underWay.Enqueue(device.SendAsync(message, Some.Patience).AsTask());
                if (underWay.Count == 50)
                    await underWay.Dequeue();
                if (sent % 100 == 0)
                    progress.Release();
            }
            await Task.WhenAll(underWay);
        }, Some.Patience);

        var seen = new HashSet<string>();
        var last = new Dictionary<string, long>();
        var restarting = Task.Run(async () =>
        {
            for (var i = 0; i < Restarts; i++)
            {
                await hub.RestartAsync();
                var from = Volatile.Read(ref sent);
                while (Volatile.Read(ref sent) < from + 200)
                    await progress.WaitAsync(Some.Patience);
            }
            await stop.CancelAsync();
            await sending;
            await device.SendAsync(new TelemetryMessage("x") { MessageId = "end" }, Some.Patience);
        }, Some.Patience);
        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        while (!seen.Contains("end"))
        {
            Assert.True(await events.MoveNextAsync());
            var received = events.Current;
            Assert.Equal(last.GetValueOrDefault(received.PartitionId, -1) + 1, received.SequenceNumber);
            last[received.PartitionId] = received.SequenceNumber;
            seen.Add(received.MessageId!);
        }
        await restarting;

        Assert.True(sent > Restarts * 200);
        Assert.Equal(sent + 1, seen.Count);
    }
}
