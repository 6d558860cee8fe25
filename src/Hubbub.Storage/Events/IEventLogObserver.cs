namespace Hubbub.Storage.Events;

/// <summary>
/// Told what a person has to know about the log. Called on the log's own threads; must return soon and must not call
/// the log.
/// </summary>
public interface IEventLogObserver
{
    /// <summary>
    /// A write or a sync failed, so nothing is known about what the disk holds; the log has stopped for good and
    /// acknowledges nothing more. The product logs this and ends its process: recovery then reads what is really there.
    /// </summary>
    void OnFatal(string reason, Exception cause);

    /// <summary>
    /// A stored part does not match its checksum. It is kept as it is, and readers stop in front of it until an
    /// operator says otherwise (<see cref="SegmentedEventLog.Skip"/>). Called again for each reader that comes upon it.
    /// </summary>
    void OnDamaged(EventLogDamage damage);

    /// <summary>At start, a write that was never acknowledged was found cut short and was removed.</summary>
    void OnTailCut(int partition, string file, long position, long bytes);

    /// <summary>The disk is full (true: commits are refused) or has room again (false).</summary>
    void OnStorageFull(int partition, bool isFull);

    /// <summary>The clock jumped forward by <paramref name="jump"/>; retention by time rests for an hour.</summary>
    void OnRetentionPaused(TimeSpan jump);

    /// <summary>Upkeep (retention, an index file) failed; it is tried again at the next interval.</summary>
    void OnUpkeepFailed(int partition, Exception cause);

    /// <summary>A producer's or listener's call-back threw: a bug in the caller; the log goes on.</summary>
    void OnCallbackFailed(int partition, Exception cause);
}

/// <summary>A part of the log that cannot be read.</summary>
/// <param name="Partition">The partition's id.</param>
/// <param name="File">The segment file.</param>
/// <param name="Position">Where the part begins, as an offset in the partition.</param>
/// <param name="ResumePosition">Where the next readable part begins (the end of the segment when there is none in
/// it).</param>
/// <param name="ExpectedChecksum">What is stored.</param>
/// <param name="ActualChecksum">What the bytes give; 0 when not even a length could be read.</param>
public sealed record EventLogDamage(
    int Partition, string File, long Position, long ResumePosition, uint ExpectedChecksum, uint ActualChecksum)
{
    public override string ToString() =>
        $"Partition {Partition}: {File} is damaged from position {Position} to {ResumePosition} " +
        $"(checksum stored {ExpectedChecksum:x8}, computed {ActualChecksum:x8})";
}
