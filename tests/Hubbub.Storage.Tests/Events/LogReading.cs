using System.Text;
using Hubbub.Core.Events;

namespace Hubbub.Storage.Tests.Events;

/// <summary>One event as a test compares it.</summary>
internal sealed record ReadEvent(
    long Sequence, long Offset, long TimeMs, string Stamp, string Annotations, int AnnotationCount, string Sections);

internal static class LogReading
{
    /// <summary>Everything from a position to the end.</summary>
    public static List<ReadEvent> ReadAll(this IEventPartition partition, EventPosition? from = null)
    {
        using var cursor = partition.Open(from ?? EventPosition.Earliest).Value;
        return cursor.ReadToEnd();
    }

    public static List<ReadEvent> ReadToEnd(this EventCursor cursor)
    {
        var events = new List<ReadEvent>();
        while (cursor.Load())
        {
            while (cursor.TryRead(out var view))
            {
                events.Add(new ReadEvent(
                    view.SequenceNumber, view.Offset, view.EnqueuedTimeMs, Encoding.UTF8.GetString(view.Stamp),
                    Encoding.UTF8.GetString(view.Annotations), view.AnnotationCount,
                    Encoding.UTF8.GetString(view.Sections)));
            }
        }
        return events;
    }

    public static long Append(this IEventPartition partition, EventProducer producer, string sections) =>
        partition.Append(producer, [], 0, Encoding.UTF8.GetBytes(sections)).Value;
}
