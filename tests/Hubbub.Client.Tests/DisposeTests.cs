namespace Hubbub.Client.Tests;

/// <summary>A client that is closed while its calls are under way: each ends at once and says so.</summary>
public sealed class DisposeTests
{
    [Fact]
    public async Task Device_ClosedBeforeThereIsAConnection_EndsEveryCall()
    {
        using var dialling = new SemaphoreSlim(0);
        var device = DeviceClient.CreateFromConnectionString(Some.Device, new()
        {
            SendWindow = 1,
            Dial = (_, _, c) => DialForEverAsync(dialling, c),
        });
        await using var commands = device.ReceiveCommandsAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);
        Task[] calls =
        [
            device.OpenAsync(Some.Patience),
            device.SendAsync(new TelemetryMessage("in the window"), Some.Patience).AsTask(),
            device.SendAsync(new TelemetryMessage("in line"), Some.Patience).AsTask(),
            device.SendBatchAsync([new TelemetryMessage("batch")], Some.Patience),
            commands.MoveNextAsync().AsTask(),
        ];
        await dialling.WaitAsync(Some.Patience);

        await device.DisposeAsync();

        await AllClosedAsync(calls);
        await AllClosedAsync(
            device.OpenAsync(Some.Patience), device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask());
        await device.DisposeAsync();
    }

    [Fact]
    public async Task Device_ClosedWithCallsUnanswered_EndsEveryCall()
    {
        var hub = new FakeHub { OnMessage = _ => null };
        var device = Some.DeviceOf(hub, new() { SendWindow = 1 });
        await using var commands = device.ReceiveCommandsAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);
        var first = commands.MoveNextAsync();
        var peer = await hub.WhenDialledAsync(1, Some.Patience);
        await peer.WhenAsync(_ => peer.TrySendEvent("devicebound", Some.Event(1, "go"), isSettled: false), Some.Patience);
        Assert.True(await first);
        Task[] calls =
        [
            device.SendAsync(new TelemetryMessage("unanswered"), Some.Patience).AsTask(),
            device.SendAsync(new TelemetryMessage("in line"), Some.Patience).AsTask(),
            commands.Current.CompleteAsync(Some.Patience),
            commands.MoveNextAsync().AsTask(),
        ];
        await peer.WhenAsync(_ => peer.Messages.Count == 1, Some.Patience);

        await device.DisposeAsync();

        await AllClosedAsync(calls);
    }

    [Fact]
    public async Task Reader_ClosedWithCallsUnderWay_EndsEveryCall()
    {
        var hub = new FakeHub();
        var reader = Some.ReaderOf(hub);
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, ["0"], Some.Patience);
        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        var next = events.MoveNextAsync().AsTask();

        await reader.DisposeAsync();

        await AllClosedAsync(
            next, reader.GetPropertiesAsync(Some.Patience), reader.SubscribeAsync(EventPosition.End, null, Some.Patience));
    }

    [Fact]
    public async Task Reader_ClosedBeforeThereIsAConnection_EndsEveryCall()
    {
        using var dialling = new SemaphoreSlim(0);
        var reader = EventReader.CreateFromConnectionString(
            Some.EventHubs, new() { Dial = (_, _, c) => DialForEverAsync(dialling, c) });
        Task[] calls =
        [
            reader.GetPropertiesAsync(Some.Patience),
            reader.SubscribeAsync(EventPosition.Start, ["0"], Some.Patience),
        ];
        await dialling.WaitAsync(Some.Patience);

        await reader.DisposeAsync();

        await AllClosedAsync(calls);
    }

    [Fact]
    public async Task Reader_RequestsCancelledAtAnyPoint_LeaveTheNextOneAlone()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub);
        for (var i = 0; i < 50; i++)
        {
            using var cancel = new CancellationTokenSource();
            var asked = reader.GetPartitionPropertiesAsync("0", cancel.Token);
            // Wherever it is by now.
            for (var turns = 0; turns < i; turns++)
                await Task.Yield();
            await cancel.CancelAsync();
            await Task.WhenAny(asked);
            Assert.True(asked.IsCompletedSuccessfully || asked.IsCanceled, asked.Exception?.ToString());
        }

        Assert.Equal(41, (await reader.GetPartitionPropertiesAsync("0", Some.Patience)).LastEnqueuedSequenceNumber);
    }

    private static async Task<System.IO.Pipelines.IDuplexPipe> DialForEverAsync(
        SemaphoreSlim dialling, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        dialling.Release();
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        throw new InvalidOperationException("For ever is over.");
    }

    private static async Task AllClosedAsync(params Task[] calls)
    {
        foreach (var call in calls)
        {
            var closed = await Assert.ThrowsAsync<HubbubException>(() => call.WaitAsync(Some.Patience));
            Assert.Equal((HubbubCondition.Closed, false), (closed.Condition, closed.IsTransient));
        }
    }
}
