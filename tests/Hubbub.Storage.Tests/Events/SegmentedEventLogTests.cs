using System.Text;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Storage.Events;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Tests.Events;

/// <summary>The log on a real disk, with its own threads.</summary>
public sealed class SegmentedEventLogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("hubbub-log-").FullName;
    private readonly RecordingObserver _observer = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Append_TwoProducers_EachEventCarriesItsOwnAnnotations()
    {
        await using var log = Open();
        var partition = log.Partitions[1];
        var first = new RecordingProducer();
        first.Stamp("stamp-a"u8.ToArray(), 4);
        var second = new RecordingProducer();

        partition.Append(first, "own"u8, 2, "one"u8);
        partition.Append(second, [], 0, "two"u8);
        var commit = partition.Append(first, [], 0, "three"u8).Value;
        Assert.Null(await first.WhenCommittedAsync(commit));

        var events = partition.ReadAll();
        Assert.Equal(["one", "two", "three"], events.Select(e => e.Sections));
        Assert.Equal(["stamp-a", "", "stamp-a"], events.Select(e => e.Stamp));
        Assert.Equal([6, 0, 4], events.Select(e => e.AnnotationCount));
        Assert.Equal("own", events[0].Annotations);
        Assert.Equal([0L, 1, 2], events.Select(e => e.Sequence));
        Assert.True(events[0].Offset > 0 && events[0].Offset < events[1].Offset && events[1].Offset < events[2].Offset);
        Assert.Equal(new PartitionState(0, 2, events[2].Offset, events[2].TimeMs), partition.State);
    }

    [Fact]
    public async Task Append_EventBatch_BecomesOneCommit()
    {
        await using var log = Open();
        var producer = new RecordingProducer();
        var batch = new EventBatch();
        for (var i = 0; i < 100; i++)
            batch.Add("a"u8, 2, Encoding.UTF8.GetBytes($"event {i}"));
        var commit = log.Partitions[0].Append(producer, batch).Value;
        Assert.Null(await producer.WhenCommittedAsync(commit));

        var events = log.Partitions[0].ReadAll();
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"event {i}"), events.Select(e => e.Sections));
        Assert.Single(events.Select(e => e.TimeMs).Distinct());
        Assert.Single(producer.Commits);
    }

    [Fact]
    public async Task Reopen_AfterCleanShutdown_NumbersGoOn()
    {
        PartitionState before;
        DateTimeOffset created;
        await using (var log = Open())
        {
            var producer = new RecordingProducer();
            for (var i = 0; i < 1000; i++)
                log.Partitions[0].Append(producer, $"event {i}");
            await producer.WhenCommittedAsync(log.Partitions[0].Append(producer, "last"));
            (before, created) = (log.Partitions[0].State, log.CreatedAt);
        }
        await using (var log = Open())
        {
            Assert.Equal(before, log.Partitions[0].State);
            Assert.Equal(created, log.CreatedAt);
            var producer = new RecordingProducer();
            await producer.WhenCommittedAsync(log.Partitions[0].Append(producer, "after"));
            var events = log.Partitions[0].ReadAll();
            Assert.Equal(1002, events.Count);
            Assert.Equal(1001, events[^1].Sequence);
            Assert.True(events[^1].Offset > before.LastOffset);
        }
        Assert.Empty(_observer.Damages);
        Assert.Empty(_observer.Failures);
    }

    [Fact]
    public async Task Append_AfterDispose_IsRefused()
    {
        var log = Open();
        await log.DisposeAsync();
        var refused = log.Partitions[0].Append(new RecordingProducer(), [], 0, "late"u8);
        Assert.Equal(HubErrorCode.ServiceUnavailable, refused.Error!.Code);
    }

    private SegmentedEventLog Open(EventLogOptions? options = null) => SegmentedEventLog.Open(
        LocalFileSystem.Instance, _directory, options ?? new EventLogOptions(), TimeProvider.System, _observer);
}
