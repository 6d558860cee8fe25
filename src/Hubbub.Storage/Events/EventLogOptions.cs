namespace Hubbub.Storage.Events;

/// <summary>How one event log is kept. Sizes in bytes.</summary>
public sealed record EventLogOptions
{
    /// <summary>How many partitions a new log gets; an existing log keeps its own number.</summary>
    public int PartitionCount { get; init; } = 4;

    /// <summary>
    /// The size at which a segment file is closed and the next begun. Retention removes whole segments.
    /// </summary>
    public int SegmentSizeBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Events older than this are removed; null keeps them until the size limit is met.</summary>
    public TimeSpan? RetentionTime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Bytes on disk per partition above which the oldest segments are removed; null for no limit.</summary>
    public long? RetentionSizeBytes { get; init; }

    /// <summary>
    /// The age at which a segment is closed even when it is small, so that time retention works on slow streams;
    /// null for an eighth of the retention time.
    /// </summary>
    public TimeSpan? SegmentAge { get; init; }

    /// <summary>How often retention and segment age are looked at.</summary>
    public TimeSpan RetentionInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The time without a commit after which the end of the log is sealed, so that later damage to the last events can
    /// be told from a write that was cut short.
    /// </summary>
    public TimeSpan SealInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What may wait for the writer before producers are asked to stop taking more.</summary>
    public int SaturationBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>What may wait or be under way before appends are refused.</summary>
    public int WaitingBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>The size from which on further events go into the next commit.</summary>
    public int CommitBytesMax { get; init; } = 4 * 1024 * 1024;

    internal TimeSpan SegmentAgeOrDefault => SegmentAge ?? (RetentionTime is { } time ? time / 8 : TimeSpan.MaxValue);

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(PartitionCount, 1, nameof(PartitionCount));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            PartitionCount, EventLogLimits.PartitionsMax, nameof(PartitionCount));
        ArgumentOutOfRangeException.ThrowIfLessThan(
            SegmentSizeBytes, EventLogLimits.SegmentSizeBytesMin, nameof(SegmentSizeBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            WaitingBytesMax, EventLogLimits.BatchBytesMax, nameof(WaitingBytesMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(CommitBytesMax, 1, nameof(CommitBytesMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(SaturationBytes, 1, nameof(SaturationBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(WaitingBytesMax, SaturationBytes, nameof(WaitingBytesMax));
    }
}
