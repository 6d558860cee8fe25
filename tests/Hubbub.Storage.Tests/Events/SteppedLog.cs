using Hubbub.Core.Events;
using Hubbub.Storage.Events;
using Hubbub.Storage.Tests.Simulation;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Storage.Tests.Events;

/// <summary>
/// A log with one partition on a simulated disk, without threads: a commit happens when the test says so.
/// </summary>
internal sealed class SteppedLog : IAsyncDisposable
{
    public const string Directory = "/simulated/events";

    public SteppedLog(SimulatedDisk? disk = null, EventLogOptions? options = null, FakeTimeProvider? time = null)
    {
        Disk = disk ?? new SimulatedDisk(seed: 1);
        Time = time ?? new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Log = SegmentedEventLog.OpenStepwise(
            Disk, Directory, (options ?? SmallSegments) with { PartitionCount = 1 }, Time, Observer);
    }

    public static EventLogOptions SmallSegments { get; } = new() { SegmentSizeBytes = 16 * 1024, RetentionTime = null };

    public SimulatedDisk Disk { get; }

    public FakeTimeProvider Time { get; }

    public RecordingObserver Observer { get; } = new();

    public SegmentedEventLog Log { get; }

    public RecordingProducer Producer { get; } = new();

    public EventPartition Partition => (EventPartition)Log.Partitions[0];

    public void Append(string text) => Partition.Append(Producer, text);

    /// <summary>Writes what waits; how many commits it took.</summary>
    public int Commit()
    {
        var commits = 0;
        while (Partition.Writer.CommitOnce())
            commits++;
        Partition.Writer.RunRequests();
        return commits;
    }

    /// <summary>Commits events of about a KiB each, every one for itself.</summary>
    public void Fill(int count, string prefix = "event")
    {
        for (var i = 0; i < count; i++)
        {
            Append($"{prefix} {i} ".PadRight(1000, '.'));
            Commit();
        }
    }

    /// <summary>The end seals itself after two intervals without a commit.</summary>
    public void Seal()
    {
        Log.SealWhenIdle();
        Log.SealWhenIdle();
        Partition.Writer.RunRequests();
    }

    public ValueTask DisposeAsync() => Log.DisposeAsync();
}
