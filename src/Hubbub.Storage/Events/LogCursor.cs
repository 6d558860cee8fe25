using Hubbub.Core.Events;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>
/// A reader's place. Whole batches are loaded and verified in <see cref="Load"/>; <see cref="TryRead"/> walks them.
/// While it has nothing to read it holds no buffer.
/// </summary>
internal sealed class LogCursor : EventCursor
{
    private readonly PartitionReader _partition;
    private readonly BatchWindow _window;
    private CursorStart? _start;
    private Segment? _segment;
    private IStorageFile? _file;
    private long _position;
    private int _batch;
    private int _batchEnd;
    private int _entry;
    private long _sequence;
    private long _timeMs;

    public LogCursor(PartitionReader partition, CursorStart start)
    {
        _partition = partition;
        _window = new BatchWindow(partition.ChecksumSeed, EventLogLimits.ReadBytes);
        (_start, _position) = (start, start.Position);
    }

    public override bool TryRead(out EventView view)
    {
        if (!MoveToEvent())
        {
            view = default;
            return false;
        }
        var bytes = _window.Buffer;
        var entry = bytes.AsSpan(_entry, _batchEnd - _entry);
        var (stampOffset, annotationsLength, sectionsLength) = EntryFormat.ReadEvent(entry);
        var stamp = stampOffset == 0 ? default : bytes.AsSpan(_batch + stampOffset, _batchEnd - _batch - stampOffset);
        view = new EventView
        {
            SequenceNumber = _sequence,
            Offset = _window.Position + _entry,
            EnqueuedTimeMs = _timeMs,
            Stamp = stampOffset == 0 ? default : EntryFormat.StampAnnotations(stamp),
            Annotations = entry.Slice(EntryFormat.EventHeaderSize, annotationsLength),
            AnnotationCount = EntryFormat.CountOf(entry) + (stampOffset == 0 ? 0 : EntryFormat.CountOf(stamp)),
            Sections = entry.Slice(EntryFormat.EventHeaderSize + annotationsLength, sectionsLength),
        };
        _sequence++;
        _entry += EntryFormat.EventHeaderSize + annotationsLength + sectionsLength;
        return true;
    }

    public override bool Load()
    {
        while (!MoveToEvent())
        {
            if (!LoadNext())
                return false;
            if (_start is { } start)
                SkipTo(start);
        }
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        _window.Release();
        (_batch, _batchEnd, _entry) = (0, 0, 0);
        Leave();
    }

    /// <summary>Moves over stamps and from batch to batch to the next event of what is loaded.</summary>
    private bool MoveToEvent()
    {
        while (true)
        {
            if (_entry < _batchEnd)
            {
                var entry = _window.Buffer.AsSpan(_entry, _batchEnd - _entry);
                if (!EntryFormat.IsStamp(entry))
                    return true;
                _entry += EntryFormat.StampSize(entry);
                continue;
            }
            if (_batchEnd >= _window.Verified)
                return false;
            BatchHeader.TryRead(_window.Buffer.AsSpan(_batchEnd), out var header);
            (_batch, _entry) = (_batchEnd, _batchEnd + BatchHeader.Size);
            _batchEnd += header.Length;
            (_sequence, _timeMs) = (header.BaseSequence, header.EnqueuedTimeMs);
        }
    }

    /// <summary>Loads what follows the loaded part; false at the end of the log.</summary>
    private bool LoadNext()
    {
        _position += _window.Verified;
        (_batch, _batchEnd, _entry) = (0, 0, 0);
        while (true)
        {
            // In this order: the segments are then at least as new as the end.
            var tail = _partition.Tail;
            var segments = _partition.Segments.All;
            MoveToKept(segments);
            var index = SegmentList.FindPosition(segments, _position);
            var segment = segments[index];
            _position = Math.Max(_position, segment.FirstBatch);
            var end = index + 1 < segments.Length ? segments[index + 1].BasePosition : tail.End;
            if (_position >= end)
            {
                _window.Release();
                if (index + 1 >= segments.Length)
                    return false;
                _position = segments[index + 1].FirstBatch;
                continue;
            }
            if (!Enter(segment))
                continue;
            if (_window.Load(_file!, segment.BasePosition, _position, end))
                return true;
            PassDamage(segment, end);
        }
    }

    /// <summary>Retention overtook this reader: it goes on at the oldest event that is kept.</summary>
    private void MoveToKept(Segment[] segments)
    {
        if (_position >= segments[0].BasePosition)
            return;
        _position = segments[0].FirstBatch;
        _window.Expect();
    }

    private bool Enter(Segment segment)
    {
        if (ReferenceEquals(segment, _segment))
            return true;
        Leave();
        try
        {
            _file = segment.Acquire();
            _segment = segment;
            return true;
        }
        catch (FileNotFoundException) when (_partition.Segments.First.BasePosition > segment.BasePosition)
        {
            return false; // Retention removed it between the look at the list and the opening.
        }
    }

    private void Leave()
    {
        _segment?.Release();
        (_segment, _file) = (null, null);
    }

    /// <summary>
    /// Moves behind a part that cannot be read when an operator gave it up, or when all of it lies before the event
    /// that the reader asked for; otherwise says so.
    /// </summary>
    private void PassDamage(Segment segment, long end)
    {
        var (expected, actual) = _window.Mismatch;
        _window.Release();
        _window.Expect();
        var resume = _partition.Skipped.EndAround(_position);
        if (resume <= _position)
        {
            var next = _partition.FindResume(segment, _file!, _position, end);
            if (_start is not { } start || !start.IsAtOrBehind(next))
                throw _partition.Damaged(segment, _position, next.Position, expected, actual);
            resume = next.Position;
        }
        _position = resume;
    }

    /// <summary>Passes over what stands before the wanted position; only until the first event is found.</summary>
    private void SkipTo(CursorStart start)
    {
        while (MoveToEvent())
        {
            if (_sequence >= start.Sequence && _window.Position + _entry >= start.Offset && _timeMs >= start.TimeMs)
            {
                _start = null;
                return;
            }
            var (_, annotationsLength, sectionsLength) = EntryFormat.ReadEvent(_window.Buffer.AsSpan(_entry));
            _sequence++;
            _entry += EntryFormat.EventHeaderSize + annotationsLength + sectionsLength;
        }
    }
}
