using System.Globalization;
using Hubbub.Core.Events;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>
/// The embedded event log: per partition a row of segment files, one writer, group commit. What is acknowledged has
/// been synced. Format: docs/storage-format.md; decisions: docs/adr/0003-event-log.md.
/// </summary>
public sealed class SegmentedEventLog : IEventLog
{
    private readonly EventPartition[] _partitions;
    private readonly IEventLogObserver _observer;
    private readonly EventLogOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer? _sealTimer;
    private readonly ITimer? _retentionTimer;
    private readonly bool _hasThreads;
    private readonly Lock _retentionLock = new();
    private DateTimeOffset _lastRetention;
    private DateTimeOffset _retentionPausedUntil;
    private int _disposed;

    private SegmentedEventLog(
        IFileSystem files,
        string directory,
        EventLogOptions options,
        TimeProvider time,
        IEventLogObserver observer,
        bool threads)
    {
        options.Validate();
        (_options, _time, _observer, _hasThreads) = (options, time, observer, threads);
        var stream = StreamIdentity.ReadOrCreate(files, directory, options.PartitionCount, time);
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(stream.CreatedMs);
        var failure = new LogFailure(observer);
        _partitions = new EventPartition[stream.PartitionCount];
        for (var id = 0; id < _partitions.Length; id++)
        {
            _partitions[id] = new EventPartition(new PartitionContext
            {
                Partition = id,
                Directory = Path.Combine(directory, id.ToString(CultureInfo.InvariantCulture)),
                Stream = stream,
                Files = files,
                Options = options,
                Time = time,
                Observer = observer,
                Failure = failure,
                ChecksumSeed = stream.ChecksumSeed(id),
            });
        }
        failure.Stop = () =>
        {
            foreach (var partition in _partitions)
                partition.Writer.Abort();
        };
        _lastRetention = time.GetUtcNow();
        if (!threads)
            return;
        foreach (var partition in _partitions)
            partition.Writer.Start();
        _sealTimer = time.CreateTimer(_ => SealWhenIdle(), null, options.SealInterval, options.SealInterval);
        _retentionTimer = time.CreateTimer(
            _ => ApplyRetention(), null, options.RetentionInterval, options.RetentionInterval);
    }

    public IReadOnlyList<IEventPartition> Partitions => _partitions;

    public DateTimeOffset CreatedAt { get; }

    /// <summary>Opens the log of a directory, or makes it. The caller holds the data directory's lock.</summary>
    /// <exception cref="EventLogFormatException">The directory holds something else, or a newer version's
    /// log.</exception>
    /// <exception cref="EventLogDamagedException">A segment cannot be told from garbage; the text says what to
    /// do.</exception>
    public static SegmentedEventLog Open(
        IFileSystem files, string directory, EventLogOptions options, TimeProvider time, IEventLogObserver observer) =>
        new(files, directory, options, time, observer, threads: true);

    /// <summary>
    /// Opens without threads and timers; tests call <see cref="EventPartition.Writer"/> step by step.
    /// </summary>
    internal static SegmentedEventLog OpenStepwise(
        IFileSystem files, string directory, EventLogOptions options, TimeProvider time, IEventLogObserver observer) =>
        new(files, directory, options, time, observer, threads: false);

    /// <summary>
    /// An operator's decision to do without a damaged part: readers pass over it from now on, also after a restart.
    /// </summary>
    public void Skip(EventLogDamage damage) =>
        _partitions[damage.Partition].Skip(damage.Position, damage.ResumePosition);

    /// <summary>
    /// Says that a partition's events up to this one are needed by nobody any more: retention may remove them before
    /// their time, in whole segments. Not remembered over a restart.
    /// </summary>
    public void Release(int partition, long sequenceNumber) => _partitions[partition].Release(sequenceNumber);

    /// <summary>Commits what waits, syncs, and closes. Appends are refused from the call on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        if (_sealTimer is not null)
            await _sealTimer.DisposeAsync().ConfigureAwait(false);
        if (_retentionTimer is not null)
            await _retentionTimer.DisposeAsync().ConfigureAwait(false);
        foreach (var partition in _partitions)
            partition.Writer.RequestStop();
        foreach (var partition in _partitions)
        {
            if (!_hasThreads)
                partition.Writer.Run();
            await partition.Writer.Ended.ConfigureAwait(false);
            partition.Dispose();
        }
    }

    internal void SealWhenIdle()
    {
        foreach (var partition in _partitions)
            partition.SealWhenIdle();
    }

    internal void ApplyRetention()
    {
        lock (_retentionLock)
        {
            var now = _time.GetUtcNow();
            var jump = now - _lastRetention - _options.RetentionInterval;
            _lastRetention = now;
            if (jump > EventLogLimits.ClockJumpMax)
            {
                _retentionPausedUntil = now + EventLogLimits.ClockJumpPause;
                _observer.OnRetentionPaused(jump);
            }
            foreach (var partition in _partitions)
                partition.ApplyRetention(byTime: now >= _retentionPausedUntil);
        }
    }
}
