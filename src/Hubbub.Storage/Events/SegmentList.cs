namespace Hubbub.Storage.Events;

/// <summary>
/// The segments of a partition, oldest first; never empty once open. Changed by the writer (a new one) and by retention
/// (the oldest goes); readers take the array as it is and need no lock.
/// </summary>
internal sealed class SegmentList(Segment[] segments)
{
    private readonly Lock _lock = new();
    private Segment[] _segments = segments;

    public Segment[] All => Volatile.Read(ref _segments);

    public Segment First => All[0];

    public Segment Last => All[^1];

    public void Add(Segment segment)
    {
        lock (_lock)
            Volatile.Write(ref _segments, [.. _segments, segment]);
    }

    public void RemoveFirst()
    {
        lock (_lock)
            Volatile.Write(ref _segments, _segments[1..]);
    }

    /// <summary>
    /// The index of the last segment for which <paramref name="key"/> is not above the value; 0 when none is.
    /// </summary>
    public static int FindLast(Segment[] segments, long value, Func<Segment, long> key)
    {
        var low = 0;
        var high = segments.Length - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >>> 1;
            if (key(segments[middle]) <= value)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }

    public static int FindPosition(Segment[] segments, long position) =>
        FindLast(segments, position, static segment => segment.BasePosition);
}
