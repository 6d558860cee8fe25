namespace Hubbub.Storage.Events;

/// <summary>
/// The end of a partition after a commit: what is on stable storage and what the next batch continues. Immutable, so
/// that readers take a consistent one without a lock.
/// </summary>
internal sealed record LogTail
{
    /// <summary>Where the next batch begins; everything before it is readable.</summary>
    public required long End { get; init; }
    public required long NextSequence { get; init; }

    /// <summary>The newest event's offset; -1 when there never was one.</summary>
    public required long LastOffset { get; init; }
    public required long LastTimeMs { get; init; }

    /// <summary>The newest batch's checksum, which the next batch repeats.</summary>
    public required uint LastCrc { get; init; }

    /// <summary>Where the newest batch begins; -1 when the segment has none.</summary>
    public required long LastBatchPosition { get; init; }

    /// <summary>True when no event stands at the end: damage there could not hide one.</summary>
    public required bool IsSealed { get; init; }

    /// <summary>The end of a segment that has no batch yet.</summary>
    public static LogTail AtStartOf(in SegmentHeader header) => new()
    {
        End = header.BasePosition + SegmentHeader.Size,
        NextSequence = header.BaseSequence,
        LastOffset = header.LastOffset,
        LastTimeMs = header.LastTimeMs,
        LastCrc = header.PreviousCrc,
        LastBatchPosition = -1,
        IsSealed = true,
    };

    public LogTail After(in BatchHeader batch) => new()
    {
        End = batch.End,
        NextSequence = batch.NextSequence,
        LastOffset = batch.EventCount > 0 ? batch.Position + batch.LastEventOffset : LastOffset,
        LastTimeMs = Math.Max(LastTimeMs, batch.EnqueuedTimeMs),
        LastCrc = batch.Crc,
        LastBatchPosition = batch.Position,
        IsSealed = batch.EventCount == 0,
    };

    /// <summary>The header of a segment that begins here.</summary>
    public SegmentHeader NewSegment(in StreamIdentity stream, int partition, long nowMs) => new()
    {
        StreamId = stream.Id,
        Partition = partition,
        BasePosition = End,
        BaseSequence = NextSequence,
        LastOffset = LastOffset,
        LastTimeMs = LastTimeMs,
        CreatedMs = nowMs,
        PreviousCrc = LastCrc,
    };
}
