using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>
/// Finds where the log ends in its newest segment. At most one write is ever under way, so what a crash leaves
/// unfinished is one batch at the very end; anything unreadable before a readable batch is damage.
/// </summary>
internal sealed class TailRecovery(PartitionContext context, Segment segment)
{
    private readonly BatchWindow _window = new(context.ChecksumSeed, EventLogLimits.ScanBytes);
    private readonly long _base = segment.BasePosition;
    private SparseIndex _index = new();
    private LogTail _tail = LogTail.AtStartOf(segment.Header);

    public (LogTail Tail, SparseIndex Index) Run()
    {
        var file = segment.Acquire();
        try
        {
            var end = _base + file.Length;
            var checkpoint = SegmentIndexFile.Read(context.Files, segment);
            var isTrusted = checkpoint is { } saved && IsIn(file, saved.Tail, end);
            if (isTrusted)
                (_tail, _index) = (checkpoint!.Value.Tail, new SparseIndex(checkpoint.Value.Entries));
            _window.Expect(_tail.NextSequence, _tail.LastCrc);
            if (isTrusted && _tail.End == end)
                return (_tail, _index); // A clean shutdown: what is here was synced and nothing came after.

            Scan(file, end);
            if (checkpoint is { } witness && witness.Tail.End > _tail.End)
                GoBeyond(witness.Tail);
            else
                CutTail(file, end);
            MakeDurable(file);
            return (_tail, _index);
        }
        finally
        {
            _window.Release();
            segment.Release();
        }
    }

    /// <summary>True when the batch that was the last one when the index was saved is where it says.</summary>
    private bool IsIn(IStorageFile file, LogTail saved, long end)
    {
        if (saved.LastBatchPosition < segment.FirstBatch || saved.End > end)
            return false;
        _window.Expect();
        return _window.Load(file, _base, saved.LastBatchPosition, saved.End)
            && BatchHeader.TryRead(_window.Buffer, out var last) && last.Crc == saved.LastCrc && last.End == saved.End;
    }

    private void Scan(IStorageFile file, long end)
    {
        while (_tail.End < end)
        {
            if (_window.Load(file, _base, _tail.End, end))
            {
                TakeLoaded();
                continue;
            }
            var mismatch = _window.Mismatch;
            var next = SegmentSearch.FindBatch(
                file, context.ChecksumSeed, _base, _tail.End + 1, end, _tail.NextSequence);
            if (next is not { } resume)
                return;
            context.Observer.OnDamaged(new EventLogDamage(
                context.Partition, segment.Path, _tail.End, resume.Position, mismatch.Expected, mismatch.Actual));
            _tail = _tail with { End = resume.Position };
            _window.Expect();
        }
    }

    private void TakeLoaded()
    {
        for (var at = 0; at < _window.Verified;)
        {
            BatchHeader.TryRead(_window.Buffer.AsSpan(at), out var header);
            _index.Add(header);
            _tail = _tail.After(header);
            at += header.Length;
        }
    }

    /// <summary>The index file proves that the log once reached further: what is missing was acknowledged.</summary>
    private void GoBeyond(LogTail witness)
    {
        context.Observer.OnDamaged(new EventLogDamage(
            context.Partition, segment.Path, _tail.End, witness.End, witness.LastCrc, _window.Mismatch.Actual));
        _tail = witness with { LastBatchPosition = -1, IsSealed = true };
    }

    private void CutTail(IStorageFile file, long end)
    {
        var offset = _tail.End - _base;
        if (offset >= end - _base || SegmentSearch.IsBlank(file, offset))
            return;
        context.Observer.OnTailCut(context.Partition, segment.Path, _tail.End, end - _tail.End);
        file.Truncate(offset);
    }

    /// <summary>
    /// The newest batch may have been written but not synced, or (after a failed sync) be in memory but never on disk.
    /// Writing it again makes the kernel's copy dirty again, so that the sync means what it says. All before it were
    /// synced before it was written. Only then may readers see it.
    /// </summary>
    private void MakeDurable(IStorageFile file)
    {
        if (_tail.LastBatchPosition >= 0)
        {
            var last = new byte[_tail.End - _tail.LastBatchPosition];
            if (file.Read(last, _tail.LastBatchPosition - _base) != last.Length)
                throw new IOException($"{segment.Path} changed while it was being opened");
            file.Write(last, _tail.LastBatchPosition - _base);
        }
        file.Sync();
        context.Files.SyncDirectory(context.Directory);
    }
}
