namespace Hubbub.Storage.Events;

/// <summary>The bounds of the event log that are not options, each with its reason.</summary>
internal static class EventLogLimits
{
    /// <summary>The service's own highest partition count is 128; each one costs a thread and a file.</summary>
    public const int PartitionsMax = 128;

    /// <summary>A segment smaller than this would hold little more than its header.</summary>
    public const int SegmentSizeBytesMin = 4 * 1024;

    /// <summary>
    /// A stored batch, header included: what one array can hold with ease, and what a damaged length may claim.
    /// </summary>
    public const int BatchBytesMax = 512 * 1024 * 1024;

    /// <summary>
    /// How far apart the entries of a segment's index are; the most that opening a position has to read past.
    /// </summary>
    public const int IndexStepBytes = 64 * 1024;

    /// <summary>An index file larger than this (some 80 GiB of segment) is not one of ours.</summary>
    public const int IndexFileBytesMax = 32 * 1024 * 1024;

    /// <summary>
    /// What a reader loads at once: large enough to make the system call cheap, small enough for the CPU's cache.
    /// </summary>
    public const int ReadBytes = 256 * 1024;

    /// <summary>What recovery reads at once.</summary>
    public const int ScanBytes = 1024 * 1024;

    /// <summary>A commit buffer starts with this and is cut back to it when the partition rests.</summary>
    public const int CommitBufferBytes = 64 * 1024;

    /// <summary>Commit buffers that are kept for reuse: one being filled while the other is written.</summary>
    public const int CommitBuffersKept = 2;

    /// <summary>
    /// The largest step of the clock between two retention checks that is believed (a jump must not wipe the log).
    /// </summary>
    public static readonly TimeSpan ClockJumpMax = TimeSpan.FromMinutes(5);

    /// <summary>How long retention by time rests after such a jump: time for a person to set the clock right.</summary>
    public static readonly TimeSpan ClockJumpPause = TimeSpan.FromHours(1);
}
