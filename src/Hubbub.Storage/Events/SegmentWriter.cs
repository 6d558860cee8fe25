using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>
/// The newest segment's file while it is written: placing batches, bringing the file back after a full disk, and
/// beginning the next segment. Throws <see cref="StorageFullException"/> with the log unchanged; any other exception
/// leaves what the disk holds unknown.
/// </summary>
internal sealed class SegmentWriter : IDisposable
{
    private readonly PartitionContext _context;
    private readonly SegmentList _segments;
    private IStorageFile _file;
    private bool _preallocated;

    public SegmentWriter(PartitionContext context, SegmentList segments, SparseIndex index)
    {
        (_context, _segments, Index) = (context, segments, index);
        Current = segments.Last;
        _file = Current.Acquire();
    }

    public Segment Current { get; private set; }

    /// <summary>The index of <see cref="Current"/>.</summary>
    public SparseIndex Index { get; private set; }

    /// <summary>
    /// True when a batch of this length belongs into the current segment; an empty one takes any length.
    /// </summary>
    public bool Fits(LogTail tail, int length) =>
        tail.End == Current.FirstBatch || tail.End + length <= Current.BasePosition + _context.Options.SegmentSizeBytes;

    /// <summary>Puts a batch at the end and returns when it is on stable storage.</summary>
    public void Write(LogTail tail, ReadOnlySpan<byte> batch)
    {
        EnsureAllocated();
        var offset = tail.End - Current.BasePosition;
        try
        {
            _file.Write(batch, offset);
        }
        catch (StorageFullException)
        {
            // A part may have been written; the next batch goes to the same place and must find nothing behind it.
            _file.Truncate(offset);
            _preallocated = false;
            throw;
        }
        Sync(_file);
    }

    /// <summary>Begins a new segment at the end of the log.</summary>
    /// <param name="tail">The end of the log.</param>
    /// <param name="batchLength">What must fit into it, however long.</param>
    /// <param name="next">The end of the log in the new segment.</param>
    public void Roll(LogTail tail, int batchLength, out LogTail next)
    {
        var header = tail.NewSegment(_context.Stream, _context.Partition, _context.NowMs);
        var name = SegmentHeader.FileName(header.BasePosition);
        var size = Math.Max(_context.Options.SegmentSizeBytes, SegmentHeader.Size + (long)batchLength);
        var file = CreateFile(_context, header, size);
        var segment = new Segment(_context.Files, _context.PathOf(name), header);
        segment.Adopt(file);
        Close(tail);
        _segments.Add(segment);
        (Current, Index, _file, _preallocated) = (segment, new SparseIndex(), file, true);
        next = LogTail.AtStartOf(header);
    }

    /// <summary>
    /// Makes a segment file under its own name only when its header is on stable storage: a segment with a bad header
    /// is therefore damage, never an unfinished start.
    /// </summary>
    public static IStorageFile CreateFile(PartitionContext context, in SegmentHeader header, long size)
    {
        var path = context.PathOf(SegmentHeader.FileName(header.BasePosition));
        var temporary = path + ".new";
        var file = context.Files.Create(temporary);
        try
        {
            file.Preallocate(size);
            Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
            header.Write(bytes);
            file.Write(bytes, 0);
            Sync(file);
            context.Files.Rename(temporary, path);
            Durably(static state => state.Files.SyncDirectory(state.Directory), context);
            return file;
        }
        catch (StorageFullException)
        {
            file.Dispose();
            context.Files.Delete(temporary);
            throw;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Clean shutdown: the file ends where the log does, and its index says that this is so.</summary>
    public void Finish(LogTail tail)
    {
        _file.Truncate(tail.End - Current.BasePosition);
        Sync(_file);
        SegmentIndexFile.Write(_context.Files, Current, tail, Index.ToArray());
    }

    public void Dispose() => Current.Release();

    private void Close(LogTail tail)
    {
        try
        {
            // Where a closed segment ends is known from the next one's name, so neither needs a sync.
            _file.Truncate(tail.End - Current.BasePosition);
            SegmentIndexFile.Write(_context.Files, Current, tail, Index.ToArray());
        }
        catch (IOException error)
        {
            _context.Observer.OnUpkeepFailed(_context.Partition, error);
        }
        Current.Release();
    }

    private void EnsureAllocated()
    {
        if (_preallocated)
            return;
        _preallocated = true;
        try
        {
            _file.Preallocate(_context.Options.SegmentSizeBytes);
        }
        catch (StorageFullException)
        {
            // The write that follows finds out whether there is room for it at least.
        }
    }

    private static void Sync(IStorageFile file) => Durably(static state => state.Sync(), file);

    private static void Durably<T>(Action<T> sync, T state)
    {
        try
        {
            sync(state);
        }
        catch (StorageFullException full)
        {
            // A sync that fails for lack of room has lost data like any other; it must not look like a refused write.
            throw new IOException($"A sync failed: {full.Message}", full);
        }
    }
}
