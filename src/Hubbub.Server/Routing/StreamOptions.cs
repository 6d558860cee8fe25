using Hubbub.Storage.Events;

namespace Hubbub.Server.Routing;

/// <summary>What a person says about a stream, as its log takes it.</summary>
internal static class StreamOptions
{
    /// <summary>A segment takes at least one message of the greatest size, with room to spare.</summary>
    private const long SegmentBytesMin = 1 << 20;

    /// <summary>
    /// Options of a log. A bound in bytes is shared by the partitions, and kept to within a quarter of a share.
    /// </summary>
    public static EventLogOptions Of(int partitions, TimeSpan retention, long? retentionBytes)
    {
        var log = new EventLogOptions
        {
            PartitionCount = partitions,
            RetentionTime = retention,
            RetentionSizeBytes = retentionBytes / partitions,
        };
        // Retention removes whole segments.
        return log.RetentionSizeBytes is { } share && share / 4 < log.SegmentSizeBytes
            ? log with { SegmentSizeBytes = (int)Math.Max(share / 4, SegmentBytesMin) }
            : log;
    }
}
