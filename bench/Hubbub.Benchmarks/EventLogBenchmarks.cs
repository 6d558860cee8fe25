using System.Diagnostics;
using System.Globalization;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Storage.Events;
using Hubbub.Storage.Files;

namespace Hubbub.Benchmarks;

/// <summary>
/// The event log by the clock: <c>dotnet run -c Release -- log [directory]</c>. 300-byte records, on the disk that the
/// directory is on. A stopwatch is enough here: the runs are long and the disk is noisier than the clock.
/// </summary>
internal static class EventLogBenchmarks
{
    private const int RecordSize = 300;

    public static int Run(string[] args)
    {
        var parent = args.Length > 0 ? args[0] : Path.GetTempPath();
        var root = Path.Combine(parent, $"hubbub-bench-{Environment.ProcessId}");
        try
        {
            AppendCost(Path.Combine(root, "append"));
            foreach (var batch in (int[])[1, 100, 2000])
                SyncedThroughput(Path.Combine(root, $"synced-{batch}"), batch, partitions: 1);
            Flood(Path.Combine(root, "flood-1"), partitions: 1, keep: true);
            Flood(Path.Combine(root, "flood-4"), partitions: 4, keep: false);
            ReadCost(Path.Combine(root, "flood-1"));
            OpenTime(Path.Combine(root, "flood-1"));
            ScanTime(Path.Combine(root, "flood-1"));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
        return 0;
    }

    /// <summary>What one Append costs its caller while the writer stays out of the way.</summary>
    private static void AppendCost(string directory)
    {
        // One commit takes them all, so that the disk is not part of the measurement.
        var options = new EventLogOptions
        {
            PartitionCount = 1,
            CommitBytesMax = 64 << 20,
            SegmentSizeBytes = 128 << 20,
        };
        using var log = new OpenLog(directory, options);
        var producer = new WaitingProducer();
        var best = double.MaxValue;
        for (var round = 0; round < 12; round++)
        {
            var cpu = Stopwatch.GetTimestamp();
            const int count = 20_000;
            long commit = -1;
            for (var i = 0; i < count; i++)
                commit = log.Partition(0).Append(producer, [], 0, Record).Value;
            best = Math.Min(best, Stopwatch.GetElapsedTime(cpu).TotalNanoseconds / count);
            producer.WaitFor(commit);
        }
        Print("append, one thread", best, "ns a call (best of 12 x 20,000)");
    }

    /// <summary>A producer that waits for each of its batches before it sends the next.</summary>
    private static void SyncedThroughput(string directory, int batch, int partitions)
    {
        using var log = new OpenLog(directory, new EventLogOptions { PartitionCount = partitions });
        var producer = new WaitingProducer();
        var start = Stopwatch.GetTimestamp();
        long events = 0;
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 2)
        {
            long commit = -1;
            for (var i = 0; i < batch; i++)
                commit = log.Partition(0).Append(producer, [], 0, Record).Value;
            producer.WaitFor(commit);
            events += batch;
        }
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Print($"synced, {batch} a batch", events / seconds, "events/s acknowledged");
    }

    /// <summary>As fast as back-pressure allows; everything acknowledged after its sync.</summary>
    private static void Flood(string directory, int partitions, bool keep)
    {
        const int total = 3_000_000;
        using var process = Process.GetCurrentProcess();
        var (user, kernel) = (process.UserProcessorTime, process.PrivilegedProcessorTime);
        var start = Stopwatch.GetTimestamp();
        using (var log = new OpenLog(directory, new EventLogOptions { PartitionCount = partitions }))
        {
            var threads = new Thread[partitions];
            for (var id = 0; id < partitions; id++)
            {
                var partition = log.Partition(id);
                threads[id] = new Thread(() => Fill(partition, total / partitions));
                threads[id].Start();
            }
            foreach (var thread in threads)
                thread.Join();
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            process.Refresh();
            var userUs = (process.UserProcessorTime - user).TotalMicroseconds / total;
            var kernelUs = (process.PrivilegedProcessorTime - kernel).TotalMicroseconds / total;
            var unit = $"events/s acknowledged, CPU each: {userUs:F2} us ours, {kernelUs:F2} us kernel's";
            Print($"flood, {partitions} partition(s)", total / seconds, unit);
        }
        if (!keep)
            Directory.Delete(directory, recursive: true);
    }

    private static void Fill(IEventPartition partition, int count)
    {
        var producer = new WaitingProducer();
        long commit = -1;
        for (var i = 0; i < count; i++)
        {
            if ((i & 63) == 0 && partition.IsSaturated)
                partition.WhenNotSaturatedAsync(CancellationToken.None).AsTask().Wait();
            commit = partition.Append(producer, [], 0, Record).Value;
        }
        producer.WaitFor(commit);
    }

    private static void ReadCost(string directory)
    {
        using var log = new OpenLog(directory, new EventLogOptions());
        for (var round = 0; round < 3; round++)
        {
            var start = Stopwatch.GetTimestamp();
            long events = 0;
            long bytes = 0;
            using var cursor = log.Partition(0).Open(EventPosition.Earliest).Value;
            while (cursor.Load())
            {
                while (cursor.TryRead(out var view))
                {
                    events++;
                    bytes += view.Sections.Length;
                }
            }
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Print("read from the page cache", events / seconds, $"events/s, {bytes / seconds / (1 << 20):F0} MiB/s");
        }
    }

    private static void OpenTime(string directory)
    {
        for (var round = 0; round < 3; round++)
        {
            var start = Stopwatch.GetTimestamp();
            using var log = new OpenLog(directory, new EventLogOptions());
            Print("open after a clean shutdown", Stopwatch.GetElapsedTime(start).TotalMilliseconds, "ms");
        }
    }

    /// <summary>As after a kill: the newest segment's end must be found by reading it.</summary>
    private static void ScanTime(string directory)
    {
        for (var round = 0; round < 3; round++)
        {
            var newest = Directory.GetFiles(Path.Combine(directory, "0"), "*.segment").Order(StringComparer.Ordinal).Last();
            var bytes = new FileInfo(newest).Length;
            File.Delete(Path.ChangeExtension(newest, ".index"));
            var start = Stopwatch.GetTimestamp();
            using var log = new OpenLog(directory, new EventLogOptions());
            var ms = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            Print("open after a kill", ms, $"ms for {bytes >> 20} MiB in the newest segment");
        }
    }

    private static byte[] Record { get; } = new byte[RecordSize];

    private static void Print(string what, double value, string unit) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-32} {value,14:N1} {unit}"));

    private sealed class OpenLog(string directory, EventLogOptions options) : IDisposable
    {
        private readonly SegmentedEventLog _log = SegmentedEventLog.Open(
            LocalFileSystem.Instance, directory, options, TimeProvider.System, new FailFast());

        public IEventPartition Partition(int id) => _log.Partitions[id];

        public void Dispose() => _log.DisposeAsync().AsTask().Wait();
    }

    private sealed class WaitingProducer : EventProducer
    {
        private readonly Lock _lock = new();
        private readonly ManualResetEventSlim _changed = new();
        private long _committed = -1;

        public override void OnCommit(long commit, HubError? error)
        {
            if (error is not null)
                throw new InvalidOperationException(error.Message);
            lock (_lock)
                _committed = commit;
            _changed.Set();
        }

        public void WaitFor(long commit)
        {
            while (true)
            {
                _changed.Reset();
                lock (_lock)
                {
                    if (_committed >= commit)
                        return;
                }
                _changed.Wait();
            }
        }
    }

    private sealed class FailFast : IEventLogObserver
    {
        public void OnFatal(string reason, Exception cause) => Environment.FailFast(reason, cause);

        public void OnDamaged(EventLogDamage damage) => Console.Error.WriteLine(damage);

        public void OnTailCut(int partition, string file, long position, long bytes) =>
            Console.Error.WriteLine("Tail cut");

        public void OnStorageFull(int partition, bool isFull) => Console.Error.WriteLine("Disk full");

        public void OnRetentionPaused(TimeSpan jump)
        {
        }

        public void OnUpkeepFailed(int partition, Exception cause) => Console.Error.WriteLine(cause);

        public void OnCallbackFailed(int partition, Exception cause) => Console.Error.WriteLine(cause);
    }
}
