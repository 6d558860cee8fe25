namespace Hubbub.Storage.Events;

/// <summary>Where a batch begins, its first event's number, and its time.</summary>
internal readonly record struct IndexEntry(long Position, long Sequence, long TimeMs);

/// <summary>
/// One entry for about each <see cref="EventLogLimits.IndexStepBytes"/> of a segment. The writer adds while readers
/// search. It only says where to begin to look, so a missing entry costs time and nothing else.
/// </summary>
internal sealed class SparseIndex
{
    private readonly Lock _lock = new();
    private IndexEntry[] _entries;
    private int _count;

    public SparseIndex() => _entries = [];

    public SparseIndex(IndexEntry[] entries) => (_entries, _count) = (entries, entries.Length);

    public void Add(in BatchHeader batch)
    {
        lock (_lock)
        {
            if (_count > 0 && batch.Position - _entries[_count - 1].Position < EventLogLimits.IndexStepBytes)
                return;
            if (_count == _entries.Length)
                Array.Resize(ref _entries, Math.Max(16, _count * 2));
            _entries[_count++] = new IndexEntry(batch.Position, batch.BaseSequence, batch.EnqueuedTimeMs);
        }
    }

    public IndexEntry[] ToArray()
    {
        lock (_lock)
            return _entries[.._count];
    }

    /// <summary>Where the batch with this number, or one before it, begins; -1 when the index knows none.</summary>
    public long FindSequence(long sequence) => Find(sequence, static (entry, value) => entry.Sequence <= value);

    /// <summary>Where the batch around this offset, or one before it, begins; -1 when the index knows none.</summary>
    public long FindOffset(long offset) => Find(offset, static (entry, value) => entry.Position <= value);

    /// <summary>Where a batch before the first one of this time begins; -1 when the index knows none.</summary>
    public long FindTime(long timeMs) => Find(timeMs, static (entry, value) => entry.TimeMs < value);

    private long Find(long value, Func<IndexEntry, long, bool> isNotAfter)
    {
        lock (_lock)
        {
            var low = -1;
            var high = _count - 1;
            while (low < high)
            {
                var middle = (low + high + 1) >> 1;
                if (isNotAfter(_entries[middle], value))
                    low = middle;
                else
                    high = middle - 1;
            }
            return low < 0 ? -1 : _entries[low].Position;
        }
    }
}
