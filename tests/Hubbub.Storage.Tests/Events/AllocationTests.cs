using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Storage.Events;

namespace Hubbub.Storage.Tests.Events;

[Collection<MeasuredAlone>]
public sealed class AllocationTests
{
    private static readonly byte[] Record = new byte[300];

    [Fact]
    public async Task AppendAndTryRead_OnceWarm_AllocateNothing()
    {
        var options = SteppedLog.SmallSegments with { SegmentSizeBytes = 4 << 20 };
        await using var log = new SteppedLog(options: options);
        var producer = new SilentProducer();
        producer.Stamp(new byte[100], 6);
        const int count = 2000;
        for (var round = 0; round < 4; round++)
        {
            AppendAll(log.Partition, producer, count);
            log.Commit();
        }
        Assert.Equal(0, LeastAllocatedBytes(
            () => AppendAll(log.Partition, producer, count),
            () => log.Commit()));

        using var cursor = log.Partition.Open(EventPosition.Earliest).Value;
        Assert.True(cursor.Load());
        Assert.True(cursor.TryRead(out _));
        var read = 0;
        Assert.Equal(0, LeastAllocatedBytes(
            () =>
            {
                while (cursor.TryRead(out var view))
                    read += view.AnnotationCount == 6 ? 1 : 0;
            },
            () => cursor.Load()));
        Assert.True(read > 500);
    }

    [Fact]
    public async Task Cursors_CaughtUp_HoldNextToNothing()
    {
        await using var log = new SteppedLog();
        log.Fill(10);
        const int count = 1000;
        var cursors = new EventCursor[count];
        Warm(log);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < count; i++)
        {
            cursors[i] = log.Partition.Open(EventPosition.Earliest).Value;
            Assert.Equal(10, cursors[i].ReadToEnd().Count);
        }
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / count;
        Assert.InRange(each, long.MinValue, 1024);
        GC.KeepAlive(cursors);
    }

    private static void Warm(SteppedLog log)
    {
        using var cursor = log.Partition.Open(EventPosition.Earliest).Value;
        cursor.ReadToEnd();
    }

    // The least of a few rounds: the runtime may put a table of its own (8 KiB, when it compiles a method anew) on the
    // account of the thread.
    private static long LeastAllocatedBytes(Action action, Action between)
    {
        var least = long.MaxValue;
        for (var round = 0; round < 4 && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            between();
        }
        return least;
    }

    private static void AppendAll(EventPartition partition, EventProducer producer, int count)
    {
        for (var i = 0; i < count; i++)
            partition.Append(producer, [], 0, Record);
    }

    private sealed class SilentProducer : EventProducer
    {
        public override void OnCommit(long commit, HubError? error)
        {
        }
    }
}
