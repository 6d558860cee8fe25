using Hubbub.Core.Events;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>What is found when a partition is opened.</summary>
internal sealed record RecoveredPartition(SegmentList Segments, LogTail Tail, SparseIndex Index);

/// <summary>
/// Opens a partition's files: which segments there are, and where the log ends. Nothing readable is ever removed; what
/// exactly may be cut off is in docs/storage-format.md.
/// </summary>
internal static class PartitionRecovery
{
    public static RecoveredPartition Open(PartitionContext context)
    {
        context.Files.CreateDirectory(context.Directory);
        var lengths = new SortedDictionary<long, long>();
        foreach (var file in context.Files.List(context.Directory))
        {
            if (file.Name.EndsWith(".new", StringComparison.Ordinal))
                context.Files.Delete(context.PathOf(file.Name)); // Never finished, never relied upon.
            else if (SegmentHeader.TryParseName(file.Name, out var basePosition))
                lengths.Add(basePosition, file.Length);
        }
        if (lengths.Count == 0)
            return OpenEmpty(context);

        var segments = new List<Segment>(lengths.Count);
        foreach (var basePosition in lengths.Keys)
            segments.Add(OpenSegment(context, basePosition));
        for (var i = 0; i + 1 < segments.Count; i++)
            ReportMissingEnd(context, segments[i], lengths[segments[i].BasePosition], segments[i + 1].BasePosition);
        var (tail, index) = new TailRecovery(context, segments[^1]).Run();
        return new RecoveredPartition(new SegmentList([.. segments]), tail, index);
    }

    private static RecoveredPartition OpenEmpty(PartitionContext context)
    {
        var header = new SegmentHeader
        {
            StreamId = context.Stream.Id,
            Partition = context.Partition,
            BasePosition = 0,
            BaseSequence = 0,
            LastOffset = -1,
            LastTimeMs = 0,
            CreatedMs = context.NowMs,
            PreviousCrc = 0,
        };
        SegmentWriter.CreateFile(context, header, context.Options.SegmentSizeBytes).Dispose();
        var segment = new Segment(context.Files, context.PathOf(SegmentHeader.FileName(0)), header);
        return new RecoveredPartition(new SegmentList([segment]), LogTail.AtStartOf(header), new SparseIndex());
    }

    private static Segment OpenSegment(PartitionContext context, long basePosition)
    {
        var path = context.PathOf(SegmentHeader.FileName(basePosition));
        using var file = context.Files.Open(path);
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        var read = file.Read(bytes, 0);
        if (SegmentHeader.TryRead(bytes[..read], out var header) && header.StreamId == context.Stream.Id
            && header.Partition == context.Partition && header.BasePosition == basePosition)
            return new Segment(context.Files, path, header);
        return new Segment(context.Files, path, Reconstruct(context, file, path, basePosition));
    }

    /// <summary>
    /// The header repeats what the name and the first batch say, so it alone is no reason to lose a segment.
    /// </summary>
    private static SegmentHeader Reconstruct(
        PartitionContext context, IStorageFile file, string path, long basePosition)
    {
        var first = SegmentSearch.FindBatch(
            file, context.ChecksumSeed, basePosition, basePosition + SegmentHeader.Size, basePosition + file.Length, 0);
        if (first is not { } batch)
        {
            throw new EventLogDamagedException(
                $"{path} is a segment of partition {context.Partition} without a readable header or batch. " +
                "Restore it from a backup; or move it away to lose its events and go on " +
                "(when it is the newest segment, " +
                "the numbers of its events are then given again)");
        }
        context.Observer.OnDamaged(new EventLogDamage(context.Partition, path, basePosition, batch.Position, 0, 0));
        return new SegmentHeader
        {
            StreamId = context.Stream.Id,
            Partition = context.Partition,
            BasePosition = basePosition,
            BaseSequence = batch.BaseSequence,
            LastOffset = -1,
            LastTimeMs = batch.EnqueuedTimeMs,
            CreatedMs = batch.EnqueuedTimeMs,
            PreviousCrc = batch.PreviousCrc,
        };
    }

    private static void ReportMissingEnd(PartitionContext context, Segment segment, long length, long next)
    {
        if (segment.BasePosition + length < next)
        {
            context.Observer.OnDamaged(new EventLogDamage(
                context.Partition, segment.Path, segment.BasePosition + length, next, 0, 0));
        }
    }
}
