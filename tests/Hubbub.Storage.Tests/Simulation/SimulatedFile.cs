using Hubbub.Storage.Files;

namespace Hubbub.Storage.Tests.Simulation;

/// <summary>An open handle of a <see cref="SimulatedDisk"/>; useless after a power cut.</summary>
internal sealed class SimulatedFile(SimulatedDisk disk, SimulatedInode inode, string path) : IStorageFile
{
    private readonly int _boot = disk.Boot;

    public long Length
    {
        get
        {
            lock (disk.Gate)
                return inode.Length;
        }
    }

    public int Read(Span<byte> buffer, long offset)
    {
        lock (disk.Gate)
        {
            disk.CheckPower(_boot);
            var count = (int)Math.Clamp(inode.Length - offset, 0, buffer.Length);
            if (count > 0)
                inode.Bytes.Slice((int)offset, count).CopyTo(buffer);
            return count;
        }
    }

    public void Write(ReadOnlySpan<byte> data, long offset)
    {
        lock (disk.Gate)
        {
            var fails = disk.Begin(DiskCall.Write, path, _boot);
            var writable = (int)Math.Clamp(inode.Length + disk.FreeBytes - offset, 0, data.Length);
            // A failing write leaves a part behind, as a real one may.
            if (fails)
                writable = Math.Min(writable, disk.Random.Next(data.Length));
            inode.Write(data[..writable], offset);
            disk.End();
            if (fails)
                throw new IOException("Simulated write error", 5);
            if (writable < data.Length)
                throw new StorageFullException("Simulated disk is full");
        }
    }

    public void Preallocate(long length)
    {
        lock (disk.Gate)
        {
            if (length <= inode.Length)
                return;
            var fails = disk.Begin(DiskCall.Allocate, path, _boot);
            if (fails || disk.FreeBytes < length - inode.Length)
                throw new StorageFullException("Simulated disk is full");
            inode.SetLength(length);
            disk.End();
        }
    }

    public void Truncate(long length)
    {
        lock (disk.Gate)
        {
            if (disk.Begin(DiskCall.Truncate, path, _boot))
                throw new IOException("Simulated truncate error", 5);
            inode.SetLength(length);
            disk.End();
        }
    }

    public void Sync()
    {
        lock (disk.Gate)
        {
            if (disk.Begin(DiskCall.Sync, path, _boot))
            {
                inode.ForgetUnsynced(disk.Random);
                throw new IOException("Simulated sync error", 5);
            }
            inode.Sync();
            disk.End();
        }
    }

    // Like a file system that does not track holes.
    public long SeekData(long offset) => offset;

    public void Dispose()
    {
    }
}
