using Hubbub.Core.Events;
using Hubbub.Storage.Events;
using Hubbub.Storage.Tests.Simulation;

namespace Hubbub.Storage.Tests.Events;

public sealed class RetentionTests
{
    private static readonly EventLogOptions OneHour =
        SteppedLog.SmallSegments with { RetentionTime = TimeSpan.FromHours(1) };

    [Fact]
    public async Task Retention_BySize_RemovesTheOldestSegmentsOnly()
    {
        await using var log = new SteppedLog(options: SteppedLog.SmallSegments with { RetentionSizeBytes = 50_000 });
        log.Fill(100);
        log.Log.ApplyRetention();
        var state = log.Partition.State;
        Assert.InRange(state.BeginSequenceNumber, 40, 70);
        Assert.Equal(99, state.LastSequenceNumber);
        var kept = log.Partition.ReadAll();
        Assert.Equal(state.BeginSequenceNumber, kept[0].Sequence);
        Assert.Equal(99, kept[^1].Sequence);
        Assert.InRange(log.Disk.Files(".segment").Count, 2, 4);
        Assert.True(log.Disk.Files(".index").Count <= log.Disk.Files(".segment").Count);
    }

    [Fact]
    public async Task Retention_SlowStream_RemovesEventsWhenTheirTimeIsUp()
    {
        var disk = new SimulatedDisk(seed: 1);
        await using (var log = new SteppedLog(disk, OneHour))
        {
            log.Append("old");
            log.Commit();
            Pass(log, TimeSpan.FromMinutes(30));
            Assert.Single(log.Partition.ReadAll());
            Pass(log, TimeSpan.FromMinutes(45));
            Assert.True(log.Partition.State.IsEmpty);
            Assert.Empty(log.Partition.ReadAll());
            Assert.Equal(0, log.Partition.State.LastSequenceNumber);
        }
        // Nothing is left of the event, yet its number and its offset are not given again.
        await using var again = new SteppedLog(disk, OneHour);
        Assert.True(again.Partition.State.IsEmpty);
        Assert.Equal(0, again.Partition.State.LastSequenceNumber);
        var lastOffset = again.Partition.State.LastOffset;
        again.Append("new");
        again.Commit();
        var read = Assert.Single(again.Partition.ReadAll());
        Assert.Equal(1, read.Sequence);
        Assert.True(read.Offset > lastOffset);
    }

    [Fact]
    public async Task Retention_OfReleasedEvents_RemovesOnlySegmentsWithoutAnyOther()
    {
        await using var log = new SteppedLog();
        log.Fill(100);
        log.Log.ApplyRetention();
        Assert.Equal(0, log.Partition.State.BeginSequenceNumber);
        foreach (var released in (int[])[20, 50, 51, 99])
        {
            log.Log.Release(0, released);
            log.Log.ApplyRetention();
            var kept = log.Partition.ReadAll();
            Assert.InRange(kept[0].Sequence, released - 20, released + 1);
            Assert.Equal(99, kept[^1].Sequence);
        }
        log.Log.Release(0, -1);
        log.Fill(40);
        var before = log.Partition.State.BeginSequenceNumber;
        log.Log.ApplyRetention();
        Assert.Equal(before, log.Partition.State.BeginSequenceNumber);
    }

    [Fact]
    public async Task Retention_ClockJumpsTwoDays_WaitsAndReports()
    {
        await using var log = new SteppedLog(options: OneHour);
        log.Fill(40);
        Pass(log, TimeSpan.FromMinutes(2));
        log.Time.Advance(TimeSpan.FromDays(2));
        log.Log.ApplyRetention();
        Assert.Single(log.Observer.RetentionPauses);
        Assert.Equal(40, log.Partition.ReadAll().Count);
        // Nobody set the clock back: it was right after all.
        Pass(log, TimeSpan.FromMinutes(62));
        Assert.True(log.Partition.State.IsEmpty);
    }

    [Fact]
    public async Task Cursor_OvertakenByRetention_GoesOnAtTheOldestKeptEvent()
    {
        await using var log = new SteppedLog(options: SteppedLog.SmallSegments with { RetentionSizeBytes = 50_000 });
        log.Fill(5);
        using var cursor = log.Partition.Open(EventPosition.Earliest).Value;
        Assert.True(cursor.Load());
        Assert.True(cursor.TryRead(out var first));
        Assert.Equal(0, first.SequenceNumber);
        using var behind = log.Partition.Open(EventPosition.Earliest).Value;
        log.Fill(100);
        log.Log.ApplyRetention();
        var begin = log.Partition.State.BeginSequenceNumber;
        // What was loaded stays readable; then it goes on where the log now begins.
        Assert.Equal([1L, 2, 3, 4, begin], cursor.ReadToEnd().Select(e => e.Sequence).Take(5));
        Assert.Equal(begin, behind.ReadToEnd()[0].Sequence);
    }

    /// <summary>Lets time pass in steps of a minute, as the product's timer does.</summary>
    private static void Pass(SteppedLog log, TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromMinutes(1))
        {
            log.Time.Advance(TimeSpan.FromMinutes(1));
            log.Log.ApplyRetention();
            log.Partition.Writer.RunRequests();
        }
    }
}
