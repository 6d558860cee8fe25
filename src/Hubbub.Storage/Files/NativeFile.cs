using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hubbub.Storage.Files;

/// <summary>
/// The system calls that .NET lacks, or whose failures it hides: on Linux, .NET 10's own flush to disk returns
/// normally when <c>fsync</c> failed, so every sync of the product goes through here.
/// </summary>
internal static partial class NativeFile
{
    private const int Eintr = 4;
    private const int Enxio = 6;
    private const int Enospc = 28;
    private const int LinuxEdquot = 122;
    private const int MacEdquot = 69;
    private const int LinuxEopnotsupp = 95;
    private const int LinuxEnosys = 38;
    private const int ReadOnly = 0;
    private const int LinuxSeekData = 3;
    private const int MacFullFsync = 51;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);

    /// <summary>True when an error number (or a Windows HRESULT) says that the disk or the quota is used up.</summary>
    public static bool IsNoSpace(int error) => OperatingSystem.IsWindows()
        ? error is WindowsDiskFull or WindowsHandleDiskFull
        : error == Enospc || error == (OperatingSystem.IsMacOS() ? MacEdquot : LinuxEdquot);

    /// <summary>Returns when the file's data, and the metadata needed to read them, are on stable storage.</summary>
    public static void SyncData(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            if (!FlushFileBuffers(file))
                throw Failure("FlushFileBuffers", path, Marshal.GetLastPInvokeError());
            return;
        }
        while (true)
        {
            // macOS: fsync leaves the data in the drive's own cache; F_FULLFSYNC empties it.
            var result = OperatingSystem.IsMacOS() ? Fcntl(file, MacFullFsync, 0) : Fdatasync(file);
            if (result >= 0)
                return;
            var error = Marshal.GetLastPInvokeError();
            if (error != Eintr)
                throw Failure("fdatasync", path, error);
        }
    }

    /// <summary>Makes the directory's entries durable. Windows journals them and has no call for it.</summary>
    public static void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = OpenReadOnly(path);
        try
        {
            while (Fsync(descriptor) < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error != Eintr)
                    throw Failure("fsync", path, error);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Reserves blocks and extends the file; false where the file system cannot do it.</summary>
    public static bool TryAllocate(SafeFileHandle file, string path, long offset, long length)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        while (Fallocate(file, 0, offset, length) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error is LinuxEopnotsupp or LinuxEnosys)
                return false;
            if (error != Eintr)
                throw Failure("fallocate", path, error);
        }
        return true;
    }

    /// <summary>The next position that may hold data, so that a preallocated tail need not be read.</summary>
    public static long SeekData(SafeFileHandle file, long offset, long length)
    {
        if (!OperatingSystem.IsLinux() || offset >= length)
            return Math.Min(offset, length);
        var position = Lseek(file, offset, LinuxSeekData);
        if (position >= 0)
            return position;
        return Marshal.GetLastPInvokeError() == Enxio ? length : offset;
    }

    private static int OpenReadOnly(string path)
    {
        while (true)
        {
            var descriptor = OpenNative(path, ReadOnly);
            if (descriptor >= 0)
                return descriptor;
            var error = Marshal.GetLastPInvokeError();
            if (error != Eintr)
                throw Failure("open", path, error);
        }
    }

    private static IOException Failure(string call, string path, int error)
    {
        var message = $"{call} of {path} failed: {Marshal.GetPInvokeErrorMessage(error)} (error {error})";
        return IsNoSpace(error) ? new StorageFullException(message) : new IOException(message, error);
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Fdatasync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(SafeFileHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Lseek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenNative(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("kernel32", EntryPoint = "FlushFileBuffers", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool FlushFileBuffers(SafeFileHandle file);
}
