using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Storage.Events;
using Hubbub.Storage.Tests.Simulation;

namespace Hubbub.Storage.Tests.Events;

/// <summary>How appends become commits, and who is told.</summary>
public sealed class GroupCommitTests
{
    [Fact]
    public async Task Append_ManyBeforeTheWriterComes_OneWriteOneSyncOneCallEach()
    {
        await using var log = new SteppedLog();
        var other = new RecordingProducer();
        var syncs = log.Disk.Counts[DiskCall.Sync];
        var writes = log.Disk.Counts[DiskCall.Write];
        for (var i = 0; i < 100; i++)
            log.Partition.Append(i % 3 == 0 ? other : log.Producer, $"event {i}");
        Assert.Empty(log.Producer.Commits);
        Assert.Empty(log.Partition.ReadAll());

        Assert.Equal(1, log.Commit());
        Assert.Equal(syncs + 1, log.Disk.Counts[DiskCall.Sync]);
        Assert.Equal(writes + 1, log.Disk.Counts[DiskCall.Write]);
        Assert.Single(log.Producer.Commits);
        Assert.Single(other.Commits);
        Assert.Equal(100, log.Partition.ReadAll().Count);
    }

    [Fact]
    public async Task Stamp_ChangedWithinACommit_CountsFromThereAndTheProducerIsToldOnce()
    {
        await using var log = new SteppedLog();
        log.Producer.Stamp("first"u8.ToArray(), 2);
        log.Append("one");
        log.Producer.Stamp("second"u8.ToArray(), 4);
        log.Append("two");
        log.Append("three");
        log.Commit();
        log.Append("four");
        log.Commit();
        var events = log.Partition.ReadAll();
        Assert.Equal(["first", "second", "second", "second"], events.Select(e => e.Stamp));
        Assert.Equal([2, 4, 4, 4], events.Select(e => e.AnnotationCount));
        Assert.Equal([0L, 1], log.Producer.Commits.Select(c => c.Commit));
    }

    [Fact]
    public async Task Append_MoreThanOneCommitTakes_GoesIntoTheNextOnes()
    {
        await using var log = new SteppedLog(options: SteppedLog.SmallSegments with { CommitBytesMax = 2048 });
        var commits = new List<long>();
        for (var i = 0; i < 10; i++)
            commits.Add(log.Partition.Append(log.Producer, new string('x', 800)));
        Assert.Equal([0L, 0, 1, 1, 2, 2, 3, 3, 4, 4], commits);
        Assert.Equal(5, log.Commit());
        Assert.Equal([0L, 1, 2, 3, 4], log.Producer.Commits.Select(c => c.Commit));
    }

    [Fact]
    public async Task Append_EventLargerThanASegment_IsStoredAllTheSame()
    {
        await using var log = new SteppedLog();
        log.Fill(1);
        var large = new string('L', 100_000);
        log.Append(large);
        log.Commit();
        log.Fill(1);
        var events = log.Partition.ReadAll();
        Assert.Equal(large, events[1].Sections);
        Assert.Equal(3, events.Count);
    }

    [Fact]
    public async Task Saturation_WriterIsBehind_AsksThenRefusesThenGoesOn()
    {
        var options = SteppedLog.SmallSegments with
        {
            SaturationBytes = 4000,
            WaitingBytesMax = 8000,
            CommitBytesMax = 4000,
        };
        await using var log = new SteppedLog(options: options);
        for (var i = 0; i < 3; i++)
            log.Append(new string('x', 1000));
        Assert.False(log.Partition.IsSaturated);
        await log.Partition.WhenNotSaturatedAsync(TestContext.Current.CancellationToken);
        for (var i = 0; i < 3; i++)
            log.Append(new string('x', 1000));
        Assert.True(log.Partition.IsSaturated);
        var waiting = log.Partition.WhenNotSaturatedAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiting.IsCompleted);
        var refused = log.Partition.Append(log.Producer, [], 0, new byte[3000]);
        Assert.Equal(HubErrorCode.ServiceUnavailable, refused.Error!.Code);
        var tooLarge = log.Partition.Append(log.Producer, [], 0, new byte[9000]);
        Assert.Equal(HubErrorCode.MessageTooLarge, tooLarge.Error!.Code);

        log.Commit();
        await waiting;
        Assert.False(log.Partition.IsSaturated);
        Assert.True(log.Partition.Append(log.Producer, [], 0, new byte[3000]).IsOk);
        log.Commit();
        Assert.Equal(7, log.Partition.ReadAll().Count);
    }

    [Fact]
    public async Task DiskFull_WholeCommitIsRefusedAndReadersAndLaterCommitsAreFine()
    {
        await using var log = new SteppedLog();
        log.Fill(10);
        log.Disk.CapacityBytes = 17_000; // The segment in use has its room; there is none for another one.
        log.Fill(10);
        var errors = log.Producer.Commits.Where(c => c.Error is not null).ToList();
        Assert.NotEmpty(errors);
        Assert.All(errors, c => Assert.Equal(HubErrorCode.StorageFull, c.Error!.Code));
        Assert.Equal(20 - errors.Count, log.Partition.ReadAll().Count);
        log.Disk.CapacityBytes = long.MaxValue;
        log.Fill(10);
        Assert.Equal(30 - errors.Count, log.Partition.ReadAll().Count);
        Assert.Equal(29 - errors.Count, log.Partition.State.LastSequenceNumber);
        Assert.Equal([true, false], log.Observer.FullChanges);
        Assert.Empty(log.Observer.Fatals);
    }

    [Fact]
    public async Task SyncFails_InOnePartition_NoneAcknowledgesAnythingMore()
    {
        var disk = new SimulatedDisk(seed: 3);
        var observer = new RecordingObserver();
        var log = SegmentedEventLog.Open(
            disk,
            SteppedLog.Directory,
            SteppedLog.SmallSegments with { PartitionCount = 2 },
            TimeProvider.System,
            observer);
        var producer = new RecordingProducer();
        Assert.Null(await producer.WhenCommittedAsync(log.Partitions[0].Append(producer, "fine")));
        disk.Fails = static (call, _) => call == DiskCall.Sync;
        log.Partitions[0].Append(producer, "never acknowledged");
        await log.DisposeAsync(); // Ends although the writers cannot.
        Assert.Single(producer.Commits);
        Assert.Single(observer.Fatals);
        foreach (var partition in log.Partitions)
            Assert.Equal(HubErrorCode.ServiceUnavailable, partition.Append(producer, [], 0, "late"u8).Error!.Code);
        Assert.Equal(0, log.Partitions[0].State.LastSequenceNumber);
    }

    [Fact]
    public async Task Subscribe_ListenerIsCalledAfterPublishing_UntilDisposed()
    {
        await using var log = new SteppedLog();
        var seen = new List<long>();
        var subscription = log.Partition.Subscribe(
            new Listener(() => seen.Add(log.Partition.State.LastSequenceNumber)));
        log.Fill(2);
        subscription.Dispose();
        subscription.Dispose();
        log.Fill(1);
        Assert.Equal([0L, 1], seen);
    }

    [Fact]
    public async Task Callback_ThatThrows_IsReportedAndHarmsNobodyElse()
    {
        await using var log = new SteppedLog();
        using var subscription = log.Partition.Subscribe(
            new Listener(() => throw new InvalidOperationException("bug")));
        var calls = 0;
        using var second = log.Partition.Subscribe(new Listener(() => calls++));
        log.Fill(2);
        Assert.Equal(2, calls);
        Assert.Equal(2, log.Observer.Failures.Count);
        Assert.Equal(2, log.Producer.Commits.Count);
    }

    [Fact]
    public async Task SealWhenIdle_QuietPartition_IsSealedOnceAndNumbersGoOn()
    {
        await using var log = new SteppedLog();
        log.Fill(1);
        log.Seal();
        var end = log.Partition.Writer.Tail.End;
        log.Seal();
        log.Seal();
        Assert.Equal(end, log.Partition.Writer.Tail.End);
        log.Fill(1);
        Assert.Equal([0L, 1], log.Partition.ReadAll().Select(e => e.Sequence));
    }

    private sealed class Listener(Action action) : ICommitListener
    {
        public void OnCommitted() => action();
    }
}
