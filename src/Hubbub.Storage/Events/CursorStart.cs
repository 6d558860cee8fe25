using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Storage.Events;

/// <summary>Where a cursor begins to look, and the least values that its first event must have.</summary>
internal readonly record struct CursorStart(
    long Position, long Sequence = long.MinValue, long Offset = long.MinValue, long TimeMs = long.MinValue)
{
    /// <summary>Finds the place for a reader's position with at most one look into one index.</summary>
    public static HubResult<CursorStart> Find(PartitionReader partition, EventPosition position)
    {
        var tail = partition.Tail;
        var segments = partition.Segments.All;
        var value = position.Value;
        // -1 is how clients spell "from the beginning", whatever they count.
        if (position.Kind == EventPositionKind.Earliest || (position.Kind != EventPositionKind.Latest && value < 0))
            return new CursorStart(segments[0].FirstBatch);
        switch (position.Kind)
        {
            case EventPositionKind.Latest:
                return new CursorStart(tail.End);
            case EventPositionKind.SequenceNumber:
                var last = tail.NextSequence - 1;
                if (value > last)
                    return BeyondEnd(partition, "sequence number", value, last);
                var sequence = Least(position);
                if (sequence <= segments[0].Header.BaseSequence)
                    return new CursorStart(segments[0].FirstBatch, Sequence: sequence);
                if (sequence > last)
                    return new CursorStart(tail.End, Sequence: sequence);
                var holder = segments[SegmentList.FindLast(segments, sequence, static s => s.Header.BaseSequence)];
                return new CursorStart(partition.IndexOf(holder).FindSequence(sequence), Sequence: sequence)
                    .From(holder);
            case EventPositionKind.Offset:
                if (value > tail.LastOffset)
                    return BeyondEnd(partition, "offset", value, tail.LastOffset);
                var offset = Least(position);
                if (value < segments[0].BasePosition)
                    return new CursorStart(segments[0].FirstBatch);
                if (offset > tail.LastOffset)
                    return new CursorStart(tail.End);
                var place = segments[SegmentList.FindPosition(segments, offset)];
                return new CursorStart(partition.IndexOf(place).FindOffset(offset), Offset: offset).From(place);
            case EventPositionKind.EnqueuedTime:
                var timeMs = Least(position);
                if (timeMs > tail.LastTimeMs)
                    return new CursorStart(tail.End, TimeMs: timeMs);
                // The last segment before which every event is older.
                var era = segments[SegmentList.FindLast(segments, timeMs - 1, static s => s.Header.LastTimeMs)];
                return new CursorStart(partition.IndexOf(era).FindTime(timeMs), TimeMs: timeMs).From(era);
            default:
                throw new ArgumentOutOfRangeException(nameof(position));
        }
    }

    /// <summary>True when everything in front of a place lies before what the reader asked for.</summary>
    public bool IsAtOrBehind(in IndexEntry place) =>
        Sequence >= place.Sequence || Offset >= place.Position || TimeMs > place.TimeMs;

    private CursorStart From(Segment segment) => this with { Position = Math.Max(Position, segment.FirstBatch) };

    private static long Least(EventPosition position) =>
        position.Inclusive || position.Value == long.MaxValue ? position.Value : position.Value + 1;

    private static HubError BeyondEnd(PartitionReader partition, string what, long value, long last) => new(
        HubErrorCode.ArgumentInvalid,
        $"The supplied {what} '{value}' is behind the end of partition {partition.Id}; the last {what} is '{last}'");
}
