namespace Hubbub.Storage.Files;

/// <summary>
/// All that the event log asks of a file system, so that a simulated disk can stand in for it. Paths are absolute and
/// joined with <see cref="Path.Combine(string, string)"/>. Every method throws <see cref="StorageFullException"/> when
/// there is no room and another <see cref="IOException"/> for every other failure; none retries.
/// </summary>
public interface IFileSystem
{
    /// <summary>Opens an existing file for reading and writing.</summary>
    IStorageFile Open(string path);

    /// <summary>
    /// Makes an empty file, in place of one that is there. Its name is durable after <see cref="SyncDirectory"/>.
    /// </summary>
    IStorageFile Create(string path);

    /// <summary>True when there is a file of this name; who removed it need not have been this process.</summary>
    bool Exists(string path);

    /// <summary>Makes the directory and those above it that are missing; their names are durable on return.</summary>
    void CreateDirectory(string path);

    /// <summary>The files of a directory, in no order; an empty list when there is no such directory.</summary>
    IReadOnlyList<StoredFile> List(string directory);

    /// <summary>Replaces <paramref name="to"/> in one step. Durable after <see cref="SyncDirectory"/>.</summary>
    void Rename(string from, string to);

    /// <summary>
    /// Removes a file; handles that are open go on reading it. Durable after <see cref="SyncDirectory"/>.
    /// </summary>
    void Delete(string path);

    /// <summary>Makes creations, renames and deletions in a directory durable.</summary>
    void SyncDirectory(string directory);

    /// <summary>How many bytes may still be written in this directory.</summary>
    long GetFreeBytes(string directory);
}

/// <summary>One file of a directory listing.</summary>
/// <param name="Name">Without the directory.</param>
/// <param name="Length">In bytes.</param>
public readonly record struct StoredFile(string Name, long Length);
