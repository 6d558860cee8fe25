using Hubbub.Core.Events;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>The events that are under way, copied out of the log's own buffers, for a delivery may take long.</summary>
internal sealed class DispatchBatch(int countMax, int bytesMax)
{
    private const int ChunkBytes = 64 * 1024;

    private StoredEvent[] _events = [];
    private byte[] _chunk = [];
    private int _used;
    private int _bytes;

    // An event that was read but did not fit any more; the first of the next batch.
    private StoredEvent? _carried;

    public int Count { get; private set; }

    /// <summary>True when nothing more fits.</summary>
    public bool IsFull => _carried is not null || Count == countMax || _bytes >= bytesMax;

    public ReadOnlyMemory<StoredEvent> Events => _events.AsMemory(0, Count);

    /// <summary>Forgets the events; what did not fit before is now in the batch.</summary>
    public void Clear()
    {
        Array.Clear(_events, 0, Count);
        (Count, _bytes, _used) = (0, 0, 0);
        if (_carried is not { } carried)
            return;
        _carried = null;
        Add(carried);
    }

    /// <summary>Copies an event; it is the next batch's when it does not fit. Not to be called when full.</summary>
    public void Add(in EventView view)
    {
        var size = view.Stamp.Length + view.Annotations.Length + view.Sections.Length;
        if (Count > 0 && _bytes + size > bytesMax)
            _carried = Copy(view, new byte[size]);
        else
            Add(Copy(view, Take(size)));
    }

    private static StoredEvent Copy(in EventView view, Memory<byte> memory)
    {
        view.Stamp.CopyTo(memory.Span);
        var annotations = memory[view.Stamp.Length..];
        view.Annotations.CopyTo(annotations.Span);
        var sections = annotations[view.Annotations.Length..];
        view.Sections.CopyTo(sections.Span);
        return new StoredEvent
        {
            SequenceNumber = view.SequenceNumber,
            EnqueuedTimeMs = view.EnqueuedTimeMs,
            Stamp = memory[..view.Stamp.Length],
            Annotations = annotations[..view.Annotations.Length],
            AnnotationCount = view.AnnotationCount,
            Sections = sections,
        };
    }

    private void Add(in StoredEvent stored)
    {
        if (Count == _events.Length)
            Array.Resize(ref _events, Math.Min(countMax, Math.Max(16, _events.Length * 2)));
        _events[Count++] = stored;
        _bytes += stored.SizeBytes;
    }

    private Memory<byte> Take(int size)
    {
        if (size > _chunk.Length - _used)
        {
            // Events of this batch keep the old chunk alive; the next batches live in the larger one.
            var next = Math.Clamp(_chunk.Length * 2, ChunkBytes, Math.Max(ChunkBytes, bytesMax));
            _chunk = new byte[Math.Max(size, next)];
            _used = 0;
        }
        var memory = _chunk.AsMemory(_used, size);
        _used += size;
        return memory;
    }
}
