namespace Hubbub.Core.Events;

/// <summary>What an <see cref="EventPosition"/>'s value counts.</summary>
public enum EventPositionKind
{
    /// <summary>The oldest event that is kept.</summary>
    Earliest,

    /// <summary>Only events that are committed after the cursor was opened.</summary>
    Latest,
    SequenceNumber,
    Offset,

    /// <summary>Milliseconds since 1970-01-01 UTC.</summary>
    EnqueuedTime,
}

/// <summary>Where a reader starts: the first event whose number is greater than (or equal to) the value.</summary>
public readonly record struct EventPosition(EventPositionKind Kind, long Value = 0, bool Inclusive = false)
{
    public static EventPosition Earliest => new(EventPositionKind.Earliest);

    public static EventPosition Latest => new(EventPositionKind.Latest);
}

/// <summary>What a partition holds, as seen by readers.</summary>
/// <param name="BeginSequenceNumber">The oldest event that is kept; -1 when the partition is empty.</param>
/// <param name="LastSequenceNumber">The newest event; -1 when there never was one.</param>
/// <param name="LastOffset">The newest event's offset; -1 when there never was one.</param>
/// <param name="LastEnqueuedTimeMs">The newest event's time in ms since 1970; 0 when there never was one.</param>
public readonly record struct PartitionState(
    long BeginSequenceNumber, long LastSequenceNumber, long LastOffset, long LastEnqueuedTimeMs)
{
    /// <summary>True when no event is kept.</summary>
    public bool IsEmpty => BeginSequenceNumber < 0;
}
