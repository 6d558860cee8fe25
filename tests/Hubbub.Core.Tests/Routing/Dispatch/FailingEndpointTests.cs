using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Core.Tests.Routing.Dispatch;

/// <summary>Endpoints that fail, refuse, and break.</summary>
public sealed class FailingEndpointTests
{
    [Fact]
    public async Task Failure_OfADelivery_RepeatsTheSameBatchAfterGrowingWaits()
    {
        var world = new DispatchWorld();
        world.Stream.AddUpTo(10, world.Clock.GetUtcNow());
        var sink = new ScriptedSink(static (events, call) =>
            call < 12 ? SinkResult.Retry("away") : SinkResult.Done(events.Length));
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(10);
        Assert.Single(sink.Calls.Select(static call => call.BatchId).Distinct());
        Assert.Equal("s1-0-9", sink.Calls[0].BatchId);
        var waits = world.Clock.Waits.Take(12).ToArray();
        for (var i = 0; i < waits.Length; i++)
            Assert.InRange(waits[i].TotalSeconds, 0, Math.Min(60, Math.Pow(2, i)));
        Assert.Contains(waits, static wait => wait > TimeSpan.FromSeconds(16));
        Assert.Equal(["Unhealthy", "Healthy"], world.Heard);
    }

    [Fact]
    public async Task RetryAfter_OfAnyLength_IsRespectedUpToItsBound()
    {
        var world = new DispatchWorld();
        world.Stream.AddUpTo(1, world.Clock.GetUtcNow());
        var sink = new ScriptedSink(static (events, call) => call switch
        {
            0 => SinkResult.Retry("busy", retryAfter: TimeSpan.FromSeconds(90)),
            1 => SinkResult.Retry("busy", retryAfter: TimeSpan.FromDays(10_000)),
            _ => SinkResult.Done(events.Length),
        });
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(1);
        Assert.Equal([TimeSpan.FromSeconds(90), world.Options.RetryAfterMax], world.Clock.Waits.Take(2));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(13)]
    [InlineData(63)]
    public async Task Refusal_OfABatch_FindsTheOneEventAndDeliversTheOthersInOrder(int bad)
    {
        var world = new DispatchWorld();
        world.Stream.AddUpTo(64, world.Clock.GetUtcNow());
        var sink = new ScriptedSink((events, _) => events.Contains(bad)
            ? SinkResult.Refuse("unwanted", events.Length)
            : SinkResult.Done(events.Length));
        await using (var dispatcher = world.Start(sink))
        {
            await sink.WhenDeliveredAsync(63);
            world.Stream.AddUpTo(70, world.Clock.GetUtcNow());
            await sink.WhenDeliveredAsync(69);
        }
        Assert.Equal(Enumerable.Range(0, 70).Where(i => i != bad), sink.Delivered);
        Assert.Equal([(bad, "Refused 3 times: unwanted")], world.DeadLetters);
        Assert.Equal(3, sink.Calls.Count(call => call.Events.SequenceEqual([bad])));
        Assert.InRange(sink.Calls.Count, 4, 30);
        Assert.Equal(69, world.Saved!.SequenceNumber);
    }

    [Fact]
    public async Task Refusal_OfAKnownEvent_CostsNoSearch()
    {
        var world = new DispatchWorld();
        world.Stream.AddUpTo(50, world.Clock.GetUtcNow());
        var sink = new ScriptedSink(static (events, _) => Array.IndexOf(events, 20) is >= 0 and var at
            ? SinkResult.Refuse("too large", 1, delivered: at)
            : SinkResult.Done(events.Length));
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(49);
        Assert.Equal(Enumerable.Range(0, 50).Where(static i => i != 20), sink.Delivered);
        Assert.Equal(4, sink.Calls.Count);
        Assert.Single(world.DeadLetters);
    }

    [Fact]
    public async Task Age_BeyondItsBound_MakesDeadLettersOnlyWhileTheEndpointFails()
    {
        var world = new DispatchWorld();
        var start = world.Clock.GetUtcNow();
        world.Stream.AddUpTo(10, start - TimeSpan.FromDays(2));
        var isAway = false;
        var sink = new ScriptedSink((events, _) =>
        {
            if (isAway)
                world.Clock.Advance(TimeSpan.FromHours(5));
            return isAway ? SinkResult.Retry("away") : SinkResult.Done(events.Length);
        });
        await using var dispatcher = world.Start(sink);
        // Old, because the hub was off: these were never tried.
        await sink.WhenDeliveredAsync(10);
        isAway = true;
        world.Stream.AddUpTo(15, world.Clock.GetUtcNow());
        await sink.WhenCalledAsync(6);
        isAway = false;
        world.Stream.AddUpTo(20, world.Clock.GetUtcNow());
        await sink.WhenDeliveredAsync(15);
        Assert.Equal(Enumerable.Range(10, 5), world.DeadLetters.Select(static letter => letter.Event));
        Assert.All(world.DeadLetters, static letter => Assert.StartsWith("Not delivered within", letter.Reason));
        Assert.All(world.DeadLetters, static letter => Assert.EndsWith("away", letter.Reason));
        Assert.Equal([.. Enumerable.Range(0, 10), .. Enumerable.Range(15, 5)], sink.Delivered);
        Assert.Contains("Dead", world.Heard);
    }

    [Fact]
    public async Task DeadLetter_ThatCannotBeStored_KeepsTheEvent()
    {
        var world = new DispatchWorld();
        var refusals = 0;
        world.DeadLetterRefusal = () =>
            ++refusals <= 3 ? new HubError(HubErrorCode.StorageFull, "The disk is full.") : null;
        world.Stream.AddUpTo(2, world.Clock.GetUtcNow());
        var sink = new ScriptedSink(static (events, _) => events[0] == 0
            ? SinkResult.Refuse("unwanted", events.Length)
            : SinkResult.Done(events.Length));
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(1);
        Assert.Equal(4, refusals);
        Assert.Equal([0], world.DeadLetters.Select(static letter => letter.Event));
        Assert.Equal([1], sink.Delivered);
    }

    [Fact]
    public async Task Exception_OfASink_IsAPauseAndNoLoss()
    {
        var world = new DispatchWorld();
        world.Stream.AddUpTo(5, world.Clock.GetUtcNow());
        var sink = new ScriptedSink(static (events, call) =>
            call < 2 ? throw new InvalidOperationException("a bug") : SinkResult.Done(events.Length));
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(5);
        Assert.Equal(Enumerable.Range(0, 5), sink.Delivered);
        Assert.Equal(2, world.Heard.Count(static heard => heard == "fault a bug"));
    }

    [Fact]
    public async Task Open_ThatFails_IsTriedAgainBeforeAnythingIsDelivered()
    {
        var world = new DispatchWorld();
        world.Stream.AddUpTo(5, world.Clock.GetUtcNow());
        var sink = ScriptedSink.Willing();
        var opens = 0;
        sink.Opens = () => ++opens < 4 ? SinkResult.Retry("no directory") : SinkResult.Done();
        await using (var dispatcher = world.Start(sink))
            await sink.WhenDeliveredAsync(5);
        Assert.Equal(4, opens);
        Assert.Single(sink.Calls);
    }

    [Fact]
    public async Task Sink_ThatCountsWrongly_IsNotBelieved()
    {
        var world = new DispatchWorld();
        world.Stream.AddUpTo(5, world.Clock.GetUtcNow());
        var sink = new ScriptedSink(static (events, call) => call switch
        {
            0 => SinkResult.Done(events.Length + 1),
            1 => SinkResult.Done(0),
            2 => SinkResult.Refuse("what?", 0),
            _ => SinkResult.Done(events.Length),
        });
        await using (var dispatcher = world.Start(sink))
            await sink.WhenAsync(() => sink.Calls.Count == 4);
        Assert.Equal(3, world.Heard.Count(static heard => heard.StartsWith("fault", StringComparison.Ordinal)));
        Assert.Equal(4, world.Saved!.SequenceNumber);
    }
}
