using System.Globalization;
using System.Text;
using Hubbub.Storage.Files;

namespace Hubbub.Storage;

/// <summary>
/// A hub's directory: who may use it (one process at a time), which format it has, and what lies where.
/// Readable by its owner only, for it holds keys and other people's data.
/// </summary>
public sealed class DataDirectory : IDisposable
{
    /// <summary>The layout that this version writes; raised when an older version could no longer read it.</summary>
    public const int FormatVersion = 1;

    private const string FormatFile = "format";
    private const string LockFile = "lock";
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = 32;
    private const string FormatTitle = "hubbub-data ";
    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream heldLock) => (Root, _lock) = (path, heldLock);

    /// <summary>The directory itself, as an absolute path.</summary>
    public string Root { get; }

    /// <summary>The event log's directory.</summary>
    public string EventsDirectory => Path.Combine(Root, "events");

    /// <summary>The directory of the streams of custom endpoints, one each.</summary>
    public string StreamsDirectory => Path.Combine(Root, "streams");

    /// <summary>The directory of identities, commands and feedback.</summary>
    public string StateDirectory => Path.Combine(Root, "state");

    /// <summary>
    /// Makes or opens a data directory and locks it until disposed (or until the process ends, however).
    /// </summary>
    /// <exception cref="DataDirectoryException">Another process uses it, or it is of a newer version.</exception>
    public static DataDirectory Open(string path)
    {
        var root = Path.GetFullPath(path);
        var files = LocalFileSystem.Instance;
        files.CreateDirectory(root);
        var heldLock = Lock(root);
        try
        {
            CheckFormat(files, root);
            var data = new DataDirectory(root, heldLock);
            files.CreateDirectory(data.EventsDirectory);
            files.CreateDirectory(data.StateDirectory);
            files.CreateDirectory(data.StreamsDirectory);
            return data;
        }
        catch
        {
            heldLock.Dispose();
            throw;
        }
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>
    /// The file's content only tells a person who holds the lock; the lock itself is the operating system's, so a
    /// process that was killed leaves none behind.
    /// </summary>
    private static FileStream Lock(string root)
    {
        var path = Path.Combine(root, LockFile);
        try
        {
            var held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            held.SetLength(0);
            held.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
            return held;
        }
        catch (IOException error) when (!IsLocked(error))
        {
            throw new DataDirectoryException(
                $"{root} cannot be written: {error.Message.TrimEnd('.')}. Mend that, "
                + "or name another directory with --data DIR.",
                error);
        }
        catch (IOException error)
        {
            throw new DataDirectoryException(
                $"{root} is in use by another hub ({path} is locked). " +
                "Stop that one, or give this one its own --data directory.",
                error);
        }
    }

    /// <summary>The runtime gives the error number of <c>flock</c>, or that of Windows, as the result.</summary>
    private static bool IsLocked(IOException error) => OperatingSystem.IsWindows()
        ? (error.HResult & 0xFFFF) == WindowsSharingViolation
        : error.HResult == (OperatingSystem.IsLinux() ? LinuxWouldBlock : MacWouldBlock);

    private static void CheckFormat(LocalFileSystem files, string root)
    {
        var path = Path.Combine(root, FormatFile);
        if (!File.Exists(path))
        {
            WriteFormat(files, root, path);
            return;
        }
        var text = File.ReadAllText(path).Trim();
        var isOurs = text.StartsWith(FormatTitle, StringComparison.Ordinal);
        var number = isOurs ? text.AsSpan(FormatTitle.Length) : default;
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            throw new DataDirectoryException($"{root} is not a hub's data directory: {path} says something else.");
        if (version > FormatVersion)
        {
            throw new DataDirectoryException(
                $"{root} has format {version}; this version of the hub reads up to {FormatVersion}. " +
                "Use the newer version.");
        }
    }

    private static void WriteFormat(LocalFileSystem files, string root, string path)
    {
        var temporary = path + ".new";
        using (var file = files.Create(temporary))
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{FormatTitle}{FormatVersion}\n");
            file.Write(Encoding.ASCII.GetBytes(text), 0);
            file.Sync();
        }
        files.Rename(temporary, path);
        files.SyncDirectory(root);
    }
}

/// <summary>A data directory cannot be used; the text says why and what to do.</summary>
public sealed class DataDirectoryException(string message, Exception? inner = null) : IOException(message, inner);
