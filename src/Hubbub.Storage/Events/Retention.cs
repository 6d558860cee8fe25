namespace Hubbub.Storage.Events;

/// <summary>Removes the oldest segments of a partition, by time and by size; never the newest one.</summary>
internal sealed class Retention(PartitionContext context, SegmentList segments)
{
    /// <summary>True when the newest segment has events and is so old that it should be closed.</summary>
    public bool WantsNewSegment(LogTail tail)
    {
        var newest = segments.Last;
        var age = context.Options.SegmentAgeOrDefault;
        return tail.NextSequence > newest.Header.BaseSequence && age < TimeSpan.MaxValue
            && context.NowMs - newest.Header.CreatedMs > age.TotalMilliseconds;
    }

    public void RemoveOld(LogTail tail, bool byTime)
    {
        while (segments.All is [var oldest, var next, ..])
        {
            var isTooOld = byTime && context.Options.RetentionTime is { } time
                && next.Header.LastTimeMs < context.NowMs - (long)time.TotalMilliseconds;
            var isTooMuch = tail.End - oldest.BasePosition > (context.Options.RetentionSizeBytes ?? long.MaxValue);
            if (!isTooOld && !isTooMuch)
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
