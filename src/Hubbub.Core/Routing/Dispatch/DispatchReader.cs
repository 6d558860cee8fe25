using Hubbub.Core.Events;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Reads an endpoint's stream from its position on, and notices what is missing.</summary>
internal sealed class DispatchReader : IDisposable
{
    private readonly EventCursor _cursor;
    private readonly Action<long, long> _onLost;
    private long _next;

    private DispatchReader(EventCursor cursor, long next, Action<long, long> onLost) =>
        (_cursor, _next, _onLost) = (cursor, next, onLost);

    /// <summary>Opens the stream behind an event.</summary>
    /// <param name="partition">The stream's one partition.</param>
    /// <param name="delivered">The last event that is done with; -1: none.</param>
    /// <param name="onLost">Gets the first missing event and how many are missing.</param>
    /// <returns>The reader, or the refusal when the stream ends before that event.</returns>
    public static HubResult<DispatchReader> Open(IEventPartition partition, long delivered, Action<long, long> onLost)
    {
        var position = delivered < 0
            ? EventPosition.Earliest
            : new EventPosition(EventPositionKind.SequenceNumber, delivered);
        var cursor = partition.Open(position);
        return cursor.Error is { } error ? error : new DispatchReader(cursor.Value, delivered + 1, onLost);
    }

    /// <summary>Adds events until the batch is full or the stream's end is reached.</summary>
    /// <exception cref="EventLogDamagedException">The next part of the stream cannot be read.</exception>
    public void Fill(DispatchBatch batch)
    {
        while (!batch.IsFull)
        {
            if (!_cursor.TryRead(out var view))
            {
                if (!_cursor.Load())
                    return;
                continue;
            }
            if (view.SequenceNumber > _next)
                _onLost(_next, view.SequenceNumber - _next);
            _next = view.SequenceNumber + 1;
            batch.Add(view);
        }
    }

    public void Dispose() => _cursor.Dispose();
}
