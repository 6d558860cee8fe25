using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Core.Tests.Routing.Dispatch;

/// <summary>Deliveries that go well, and where they begin and end.</summary>
public sealed class EndpointDispatcherTests
{
    [Fact]
    public async Task Events_OfAWillingEndpoint_ArriveInOrderAndTheEndIsStored()
    {
        var world = new DispatchWorld();
        var sink = ScriptedSink.Willing();
        world.Stream.AddUpTo(100, world.Clock.GetUtcNow());
        await using (var dispatcher = world.Start(sink))
        {
            await sink.WhenDeliveredAsync(100);
            world.Stream.AddUpTo(250, world.Clock.GetUtcNow());
            await sink.WhenDeliveredAsync(250);
        }
        Assert.Equal(Enumerable.Range(0, 250), sink.Delivered);
        Assert.Equal(249, world.Saved!.SequenceNumber);
        Assert.True(sink.IsDisposed);
        Assert.Equal(["Healthy"], world.Heard);
    }

    [Fact]
    public async Task Status_WhileEventsWait_TellsHowManyAndHowOld()
    {
        var world = new DispatchWorld();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(world.Clock.GetUtcNow());
        var sink = new ScriptedSink(static (_, _) => SinkResult.Retry("away"));
        world.Stream.AddUpTo(7, time.GetUtcNow() - TimeSpan.FromMinutes(3));
        await using var dispatcher = world.Start(sink, time);
        await sink.WhenCalledAsync(1);
        var status = dispatcher.Status;
        while (status.Health == EndpointHealth.Unknown)
        {
            await Task.Yield();
            status = dispatcher.Status;
        }
        Assert.Equal(EndpointHealth.Unhealthy, status.Health);
        Assert.Equal("away", status.LastError);
        Assert.Equal((7, 180_000, 1), (status.LagEvents, status.LagMs, status.FailedAttempts));
    }

    [Fact]
    public async Task Batches_OfManyEvents_KeepToCountAndBytes()
    {
        var world = new DispatchWorld
        {
            Options = new DispatchOptions { BatchCountMax = 10, BatchBytesMax = 1024, Linger = TimeSpan.Zero },
        };
        world.Stream.AddUpTo(95, world.Clock.GetUtcNow());
        var sink = ScriptedSink.Willing();
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(95);
        Assert.Equal(10, sink.Calls.Count);
        Assert.All(sink.Calls, static call => Assert.InRange(call.Events.Length, 1, 10));

        var large = new DispatchWorld
        {
            Options = new DispatchOptions { BatchCountMax = 10, BatchBytesMax = 1024, Linger = TimeSpan.Zero },
        };
        for (var i = 0; i < 9; i++)
            large.Stream.Add($"{i}".PadLeft(i == 5 ? 3000 : 400, '0'), large.Clock.GetUtcNow());
        var second = ScriptedSink.Willing();
        await using (var dispatcher = large.Start(second))
            await second.WhenDeliveredAsync(9);
        Assert.Equal(Enumerable.Range(0, 9), second.Delivered);
        // Two of 400 bytes fit, a third does not; the one of 3000 goes alone.
        Assert.Equal([2, 2, 1, 1, 2, 1], second.Calls.Select(static call => call.Events.Length));
    }

    [Fact]
    public async Task Linger_OfAnUnfilledBatch_IsWaitedForOnce()
    {
        var world = new DispatchWorld { Options = new DispatchOptions { Linger = TimeSpan.FromSeconds(5) } };
        world.Stream.AddUpTo(3, world.Clock.GetUtcNow());
        var sink = ScriptedSink.Willing();
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(3);
        Assert.Single(sink.Calls);
        Assert.Equal(TimeSpan.FromSeconds(5), world.Clock.Waits[0]);
    }

    [Fact]
    public async Task Start_WithAStoredPosition_GoesOnBehindItAndGivesTheSinkItsState()
    {
        var world = new DispatchWorld { Saved = new EndpointPosition(41, "file 7") };
        world.Stream.AddUpTo(60, world.Clock.GetUtcNow());
        var sink = ScriptedSink.Willing();
        sink.State = "file 8";
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(18);
        Assert.Equal(Enumerable.Range(42, 18), sink.Delivered);
        Assert.Equal("file 7", sink.OpenedWith);
        Assert.Equal(new EndpointPosition(59, "file 8"), world.Saved);
        Assert.Equal([41, 59], [world.Done.First(), world.Done.Last()]);
    }

    [Fact]
    public async Task Retention_ThatOvertakesThePosition_IsCountedAndSaid()
    {
        var world = new DispatchWorld { Saved = new EndpointPosition(9, null) };
        world.Stream.AddUpTo(50, world.Clock.GetUtcNow());
        world.Stream.RemoveBefore(30);
        var sink = ScriptedSink.Willing();
        await using var dispatcher = world.Start(sink);
        await sink.WhenDeliveredAsync(20);
        Assert.Equal(Enumerable.Range(30, 20), sink.Delivered);
        Assert.Equal(20, dispatcher.Status.Lost);
        Assert.Contains("lost 10 20", world.Heard);
    }

    [Fact]
    public async Task Position_BehindTheEndOfANewStream_StartsAnewAndSaysSo()
    {
        var world = new DispatchWorld { Saved = new EndpointPosition(5000, null) };
        world.Stream.AddUpTo(3, world.Clock.GetUtcNow());
        var sink = ScriptedSink.Willing();
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(3);
        Assert.Equal([0, 1, 2], sink.Delivered);
        Assert.Contains("reset 5000 2", world.Heard);
        // Released by the old number, events that nobody got would be removed.
        Assert.Equal([-1, 2], world.Done);
        Assert.Equal(2, world.Saved!.SequenceNumber);
    }

    [Fact]
    public async Task Dispose_DuringADelivery_LetsItEndAndStoresThePosition()
    {
        var world = new DispatchWorld();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        world.Stream.AddUpTo(5, time.GetUtcNow());
        var release = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        var sink = ScriptedSink.Willing();
        sink.Before = async _ =>
        {
            begun.TrySetResult();
            await release.Task;
        };
        var dispatcher = world.Start(sink, time);
        await begun.Task;
        var disposing = dispatcher.DisposeAsync().AsTask();
        Assert.False(disposing.IsCompleted);
        release.SetResult();
        await disposing;
        Assert.Equal(4, world.Saved!.SequenceNumber);
    }

    [Fact]
    public async Task Dispose_OfAnEndpointThatHangs_EndsAfterItsGrace()
    {
        var world = new DispatchWorld();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        world.Stream.AddUpTo(5, time.GetUtcNow());
        var begun = new TaskCompletionSource();
        var sink = ScriptedSink.Willing();
        sink.Before = async stop =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
        };
        var dispatcher = world.Start(sink, time);
        await begun.Task;
        var disposing = dispatcher.DisposeAsync().AsTask();
        // The grace may begin only a little later, so time goes on until it has passed.
        while (!disposing.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await disposing;
        Assert.Null(world.Saved);
        Assert.True(sink.IsDisposed);
    }
}
