using Microsoft.Win32.SafeHandles;

namespace Hubbub.Storage.Files;

/// <summary>A file of the operating system: positioned reads and writes without a buffer of our own.</summary>
internal sealed class LocalFile : IStorageFile
{
    private readonly SafeFileHandle _handle;
    private readonly string _path;

    private LocalFile(SafeFileHandle handle, string path) => (_handle, _path) = (handle, path);

    public long Length => RandomAccess.GetLength(_handle);

    public static LocalFile Open(string path, FileMode mode)
    {
        try
        {
            // A reader's handle and the writer's live side by side, and retention deletes under both of them.
            const FileShare share = FileShare.ReadWrite | FileShare.Delete;
            return new LocalFile(File.OpenHandle(path, mode, FileAccess.ReadWrite, share), path);
        }
        catch (IOException error) when (NativeFile.IsNoSpace(error.HResult))
        {
            throw new StorageFullException($"No room to create {path}", error);
        }
    }

    public int Read(Span<byte> buffer, long offset)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = RandomAccess.Read(_handle, buffer[total..], offset + total);
            if (read == 0)
                break;
            total += read;
        }
        return total;
    }

    public void Write(ReadOnlySpan<byte> data, long offset)
    {
        try
        {
            RandomAccess.Write(_handle, data, offset);
        }
        catch (IOException error) when (NativeFile.IsNoSpace(error.HResult))
        {
            throw new StorageFullException($"No room for {data.Length} bytes in {_path}", error);
        }
    }

    public void Preallocate(long length)
    {
        var current = Length;
        if (length > current && !NativeFile.TryAllocate(_handle, _path, current, length - current))
            RandomAccess.SetLength(_handle, length);
    }

    public void Truncate(long length)
    {
        try
        {
            RandomAccess.SetLength(_handle, length);
        }
        catch (IOException error) when (NativeFile.IsNoSpace(error.HResult))
        {
            throw new StorageFullException($"No room to set the length of {_path}", error);
        }
    }

    public void Sync() => NativeFile.SyncData(_handle, _path);

    public long SeekData(long offset) => NativeFile.SeekData(_handle, offset, Length);

    public void Dispose() => _handle.Dispose();
}
