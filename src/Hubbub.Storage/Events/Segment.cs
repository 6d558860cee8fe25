using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>One segment file. Its handle is shared by all who read it and closed when nobody does.</summary>
internal sealed class Segment(IFileSystem files, string path, SegmentHeader header)
{
    private readonly Lock _lock = new();
    private IStorageFile? _file;
    private int _users;

    public string Path => path;

    public SegmentHeader Header => header;

    public long BasePosition => header.BasePosition;

    /// <summary>Where the first batch begins.</summary>
    public long FirstBatch => header.BasePosition + SegmentHeader.Size;

    /// <summary>The file of this segment's index.</summary>
    public string IndexPath => System.IO.Path.ChangeExtension(path, SegmentIndexFile.Suffix);

    /// <summary>The open file; give it back with <see cref="Release"/>.</summary>
    public IStorageFile Acquire()
    {
        lock (_lock)
        {
            _file ??= files.Open(path);
            _users++;
            return _file;
        }
    }

    /// <summary>Takes over the handle with which the segment was made, as if acquired.</summary>
    public void Adopt(IStorageFile file)
    {
        lock (_lock)
        {
            _file = file;
            _users++;
        }
    }

    public void Release()
    {
        lock (_lock)
        {
            if (--_users > 0)
                return;
            _file?.Dispose();
            _file = null;
        }
    }
}
