namespace Hubbub.Storage.Files;

/// <summary>
/// The operating system's files. Made for local disks: what it promises is what <c>fdatasync</c> (Linux),
/// <c>F_FULLFSYNC</c> (macOS) and <c>FlushFileBuffers</c> (Windows) promise.
/// </summary>
public sealed class LocalFileSystem : IFileSystem
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public static LocalFileSystem Instance { get; } = new();

    public IStorageFile Open(string path) => LocalFile.Open(path, FileMode.Open);

    public IStorageFile Create(string path) => LocalFile.Open(path, FileMode.Create);

    public bool Exists(string path) => File.Exists(path);

    public void CreateDirectory(string path)
    {
        var missing = new Stack<string>();
        for (var at = Path.GetFullPath(path); !Directory.Exists(at); at = Path.GetDirectoryName(at)!)
            missing.Push(at);
        var isNew = missing.Count > 0;
        while (missing.TryPop(out var directory))
        {
            CreateOne(directory);
            SyncDirectory(Path.GetDirectoryName(directory)!);
        }
        if (!isNew && Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent)
            TrySyncDirectory(parent);
    }

    public IReadOnlyList<StoredFile> List(string directory)
    {
        var files = new List<StoredFile>();
        if (!Directory.Exists(directory))
            return files;
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles())
            files.Add(new StoredFile(file.Name, file.Length));
        return files;
    }

    public void Rename(string from, string to)
    {
        try
        {
            File.Move(from, to, overwrite: true);
        }
        catch (IOException error) when (NativeFile.IsNoSpace(error.HResult))
        {
            throw new StorageFullException($"No room to rename {from}", error);
        }
    }

    public void Delete(string path) => File.Delete(path);

    public void SyncDirectory(string directory) => NativeFile.SyncDirectory(directory);

    public long GetFreeBytes(string directory) => new DriveInfo(directory).AvailableFreeSpace;

    /// <summary>
    /// Who made the directory may have ended before the sync; but it may also lie in one that only others may read.
    /// </summary>
    private void TrySyncDirectory(string directory)
    {
        try
        {
            SyncDirectory(directory);
        }
        catch (IOException)
        {
            // It was there when this process started; no more can be known.
        }
    }

    private static void CreateOne(string directory)
    {
        try
        {
            // Events and keys are nobody else's business on a shared machine.
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(directory);
            else
                Directory.CreateDirectory(directory, OwnerOnly);
        }
        catch (IOException error) when (NativeFile.IsNoSpace(error.HResult))
        {
            throw new StorageFullException($"No room to create {directory}", error);
        }
    }
}
