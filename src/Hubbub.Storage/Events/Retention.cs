namespace Hubbub.Storage.Events;

/// <summary>
/// Removes the oldest segments of a partition, by time, by size and when they are released; never the newest one.
/// </summary>
internal sealed class Retention(PartitionContext context, SegmentList segments)
{
    private long _released = -1;

    /// <summary>True when the newest segment has events and is so old that it should be closed.</summary>
    public bool WantsNewSegment(LogTail tail)
    {
        var newest = segments.Last;
        var age = context.Options.SegmentAgeOrDefault;
        return tail.NextSequence > newest.Header.BaseSequence && age < TimeSpan.MaxValue
            && context.NowMs - newest.Header.CreatedMs > age.TotalMilliseconds;
    }

    /// <summary>
    /// The last event that nobody needs any more, whatever its age; -1: none. Set from any thread.
    /// </summary>
    public long Released
    {
        get => Volatile.Read(ref _released);
        set => Volatile.Write(ref _released, value);
    }

    public void RemoveOld(LogTail tail, bool byTime)
    {
        while (segments.All is [var oldest, var next, ..])
        {
            var isTooOld = byTime && context.Options.RetentionTime is { } time
                && next.Header.LastTimeMs < context.NowMs - (long)time.TotalMilliseconds;
            var isTooMuch = tail.End - oldest.BasePosition > (context.Options.RetentionSizeBytes ?? long.MaxValue);
            var isReleased = next.Header.BaseSequence <= Released + 1;
            if (!isTooOld && !isTooMuch && !isReleased)
                return;
            Remove(oldest);
        }
    }

    /// <summary>
    /// One at a time, oldest first, each made durable: so a crash can only leave the newer part of the log, never a
    /// gap.
    /// </summary>
    private void Remove(Segment oldest)
    {
        segments.RemoveFirst();
        try
        {
            context.Files.Delete(oldest.IndexPath);
        }
        catch (FileNotFoundException)
        {
            // An index is optional.
        }
        context.Files.Delete(oldest.Path);
        context.Files.SyncDirectory(context.Directory);
    }
}
