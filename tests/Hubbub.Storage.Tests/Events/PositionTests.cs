using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Storage.Tests.Events;

public sealed class PositionTests
{
    [Fact]
    public async Task Open_EachSpelling_StartsWhereItSays()
    {
        await using var log = new SteppedLog();
        for (var i = 0; i < 60; i++)
        {
            log.Fill(1);
            if (i % 7 == 0)
                log.Seal();
            log.Time.Advance(TimeSpan.FromMilliseconds(10));
        }
        var all = log.Partition.ReadAll();
        Assert.Equal(60, all.Count);
        foreach (var e in all)
        {
            foreach (var (kind, value) in new[]
            {
                (EventPositionKind.SequenceNumber, e.Sequence),
                (EventPositionKind.Offset, e.Offset),
                (EventPositionKind.EnqueuedTime, e.TimeMs),
            })
            {
                var from = log.Partition.ReadAll(new EventPosition(kind, value, Inclusive: true));
                Assert.Equal(e.Sequence, from[0].Sequence);
                Assert.Equal(60 - e.Sequence, from.Count);
                Assert.Equal(
                    all.Skip((int)e.Sequence + 1).Select(x => x.Sequence),
                    log.Partition.ReadAll(new EventPosition(kind, value)).Select(x => x.Sequence));
            }
            // Between two events' offsets and times.
            var offset = new EventPosition(EventPositionKind.Offset, e.Offset - 1);
            var time = new EventPosition(EventPositionKind.EnqueuedTime, e.TimeMs - 5);
            Assert.Equal(e.Sequence, log.Partition.ReadAll(offset)[0].Sequence);
            Assert.Equal(e.Sequence, log.Partition.ReadAll(time)[0].Sequence);
        }
        foreach (var kind in Enum.GetValues<EventPositionKind>().Except([EventPositionKind.Latest]))
            Assert.Equal(60, log.Partition.ReadAll(new EventPosition(kind, -1)).Count);
    }

    [Fact]
    public async Task Open_BehindTheEnd_IsRefusedWithBothNumbers()
    {
        await using var log = new SteppedLog();
        log.Fill(5);
        foreach (var kind in new[] { EventPositionKind.SequenceNumber, EventPositionKind.Offset })
        {
            var state = log.Partition.State;
            var lastValue = kind == EventPositionKind.Offset ? state.LastOffset : state.LastSequenceNumber;
            var refused = log.Partition.Open(new EventPosition(kind, lastValue + 1, Inclusive: true)).Error!;
            Assert.Equal(HubErrorCode.ArgumentInvalid, refused.Code);
            Assert.Contains($"'{lastValue + 1}'", refused.Message, StringComparison.Ordinal);
            Assert.Contains($"'{lastValue}'", refused.Message, StringComparison.Ordinal);
            // The last one itself, exclusive, waits for the next event.
            using var waiting = log.Partition.Open(new EventPosition(kind, lastValue)).Value;
            Assert.False(waiting.Load());
            log.Fill(1);
            Assert.True(waiting.Load());
            Assert.True(waiting.TryRead(out var next));
            Assert.Equal(log.Partition.State.LastSequenceNumber, next.SequenceNumber);
        }
    }

    [Fact]
    public async Task Open_Latest_IsFixedWhenOpened()
    {
        await using var log = new SteppedLog();
        log.Fill(3);
        using var latest = log.Partition.Open(EventPosition.Latest).Value;
        var inASecond = log.Time.GetUtcNow().ToUnixTimeMilliseconds() + 1000;
        using var future = log.Partition.Open(new EventPosition(EventPositionKind.EnqueuedTime, inASecond)).Value;
        log.Fill(2);
        Assert.Equal([3L, 4], latest.ReadToEnd().Select(e => e.Sequence));
        Assert.Empty(future.ReadToEnd());
        log.Time.Advance(TimeSpan.FromSeconds(2));
        log.Fill(1);
        Assert.Equal([5L], future.ReadToEnd().Select(e => e.Sequence));
    }

    [Fact]
    public async Task Open_EmptyPartition_WaitsForTheFirstEvent()
    {
        await using var log = new SteppedLog();
        Assert.True(log.Partition.State.IsEmpty);
        Assert.Equal(new PartitionState(-1, -1, -1, 0), log.Partition.State);
        using var earliest = log.Partition.Open(EventPosition.Earliest).Value;
        using var start = log.Partition.Open(new EventPosition(EventPositionKind.Offset, -1)).Value;
        Assert.False(earliest.Load());
        log.Fill(1);
        Assert.Single(earliest.ReadToEnd());
        Assert.Single(start.ReadToEnd());
    }

    [Fact]
    public async Task Append_ClockGoesBack_EnqueuedTimesDoNot()
    {
        await using var log = new SteppedLog();
        log.Fill(1);
        log.Time.AdjustTime(log.Time.GetUtcNow() - TimeSpan.FromHours(1));
        log.Fill(1);
        var times = log.Partition.ReadAll().Select(e => e.TimeMs).ToList();
        Assert.Equal(times[0], times[1]);
    }
}
