using System.Globalization;
using System.Text;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Storage.Events;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Tests.Events;

/// <summary>Real threads on a real disk.</summary>
public sealed class ConcurrencyTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("hubbub-log-").FullName;
    private readonly RecordingObserver _observer = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Reader_CaughtUp_IsWokenByTheNextCommit()
    {
        await using var log = Open();
        var partition = log.Partitions[0];
        using var cursor = partition.Open(EventPosition.Earliest).Value;
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = partition.Subscribe(new Listener(() => woken.TrySetResult()));
        Assert.False(cursor.Load());
        partition.Append(new RecordingProducer(), "hello");
        await woken.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal("hello", Assert.Single(cursor.ReadToEnd()).Sections);
    }

    [Fact]
    public async Task ProducersAndReaders_AllAtOnce_EachReaderSeesEachProducersOrder()
    {
        const int producers = 4;
        const int each = 5000;
        await using var log = Open();
        var partition = log.Partitions[0];
        var cancellation = TestContext.Current.CancellationToken;
        var readers = Enumerable.Range(0, 3)
            .Select(_ => Task.Run(() => ReadAsync(partition, producers * each, cancellation), cancellation)).ToList();
        var writers = Enumerable.Range(0, producers)
            .Select(id => Task.Run(() => WriteAsync(partition, id, each, cancellation), cancellation)).ToList();
        await Task.WhenAll(writers);
        foreach (var reader in readers)
            Assert.Equal(Enumerable.Repeat(each, producers), await reader);
        Assert.Empty(_observer.Failures);
        Assert.Empty(_observer.Fatals);
    }

    private SegmentedEventLog Open() => SegmentedEventLog.Open(
        LocalFileSystem.Instance, _directory,
        new EventLogOptions
        {
            PartitionCount = 1,
            SegmentSizeBytes = 256 * 1024,
            SaturationBytes = 64 * 1024,
            CommitBytesMax = 32 * 1024,
        },
        TimeProvider.System, _observer);

    private static async Task WriteAsync(IEventPartition partition, int id, int count, CancellationToken cancellation)
    {
        var random = new Random(id);
        var producer = new RecordingProducer();
        long last = -1;
        for (var i = 0; i < count; i++)
        {
            if (partition.IsSaturated)
                await partition.WhenNotSaturatedAsync(cancellation);
            var text = string.Create(CultureInfo.InvariantCulture, $"{id} {i} ").PadRight(random.Next(20, 400), '.');
            last = partition.Append(producer, text);
        }
        Assert.Null(await producer.WhenCommittedAsync(last));
        Assert.Equal(producer.Commits.Select(c => c.Commit).Order(), producer.Commits.Select(c => c.Commit));
        Assert.Distinct(producer.Commits.Select(c => c.Commit));
    }

    /// <summary>Reads until the expected number of events came; how many of each producer.</summary>
    private static async Task<int[]> ReadAsync(IEventPartition partition, int expected, CancellationToken cancellation)
    {
        var next = new int[4];
        using var signal = new SemaphoreSlim(0);
        using var subscription = partition.Subscribe(new Listener(() => signal.Release()));
        using var cursor = partition.Open(EventPosition.Earliest).Value;
        long sequence = 0;
        while (sequence < expected)
        {
            if (!cursor.Load())
            {
                await signal.WaitAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(30), cancellation);
                continue;
            }
            while (cursor.TryRead(out var view))
            {
                Assert.Equal(sequence++, view.SequenceNumber);
                var parts = Encoding.UTF8.GetString(view.Sections).Split(' ');
                var id = int.Parse(parts[0], CultureInfo.InvariantCulture);
                Assert.Equal(next[id]++, int.Parse(parts[1], CultureInfo.InvariantCulture));
            }
        }
        return next;
    }

    private sealed class Listener(Action action) : ICommitListener
    {
        public void OnCommitted() => action();
    }
}
