using Hubbub.Core.Events;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>
/// What readers see of a partition: its segments, its readable end, and the parts that cannot be read.
/// </summary>
internal sealed class PartitionReader(
    PartitionContext context, SegmentList segments, CommitWriter writer, SegmentWriter newest)
{
    public int Id => context.Partition;

    public uint ChecksumSeed => context.ChecksumSeed;

    public SegmentList Segments => segments;

    public LogTail Tail => writer.Tail;

    /// <summary>The damaged parts that readers pass over.</summary>
    public SkippedRanges Skipped { get; } = new(context);

    /// <summary>
    /// A segment's index: in memory for the newest, from its file for the others (built again when it is lost).
    /// </summary>
    public SparseIndex IndexOf(Segment segment)
    {
        // The writer may begin a new segment meanwhile: then this index is that one's and finds nothing, which is
        // legal.
        if (ReferenceEquals(segment, newest.Current))
            return newest.Index;
        if (SegmentIndexFile.Read(context.Files, segment) is { } saved)
            return new SparseIndex(saved.Entries);
        return Rebuild(segment);
    }

    /// <summary>
    /// What comes after a part that cannot be read: a batch, the next segment, or the end of the log.
    /// </summary>
    public IndexEntry FindResume(Segment segment, IStorageFile file, long position, long end)
    {
        if (SegmentSearch.FindBatch(file, ChecksumSeed, segment.BasePosition, position + 1, end, 0) is { } next)
            return new IndexEntry(next.Position, next.BaseSequence, next.EnqueuedTimeMs);
        var tail = Tail;
        foreach (var later in segments.All)
        {
            if (later.BasePosition == end)
                return new IndexEntry(end, later.Header.BaseSequence, later.Header.LastTimeMs);
        }
        return new IndexEntry(end, tail.NextSequence, tail.LastTimeMs);
    }

    /// <summary>Reports a part that cannot be read, and says so to the reader.</summary>
    public EventLogDamagedException Damaged(Segment segment, long position, long resume, uint expected, uint actual)
    {
        var damage = new EventLogDamage(context.Partition, segment.Path, position, resume, expected, actual);
        context.Observer.OnDamaged(damage);
        return new EventLogDamagedException(damage.ToString());
    }

    private SparseIndex Rebuild(Segment segment)
    {
        var all = segments.All;
        var next = Array.IndexOf(all, segment) + 1;
        if (next == 0 || next == all.Length)
            return new SparseIndex();
        var end = all[next].BasePosition;
        var index = new SparseIndex();
        var tail = LogTail.AtStartOf(segment.Header);
        var window = new BatchWindow(ChecksumSeed, EventLogLimits.ScanBytes);
        var file = segment.Acquire();
        try
        {
            while (tail.End < end && window.Load(file, segment.BasePosition, tail.End, end))
            {
                for (var at = 0; at < window.Verified;)
                {
                    BatchHeader.TryRead(window.Buffer.AsSpan(at), out var header);
                    index.Add(header);
                    tail = tail.After(header);
                    at += header.Length;
                }
            }
        }
        finally
        {
            window.Release();
            segment.Release();
        }
        if (tail.End == end)
            SegmentIndexFile.Write(context.Files, segment, tail, index.ToArray());
        return index;
    }
}
