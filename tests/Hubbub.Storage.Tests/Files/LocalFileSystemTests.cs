using System.IO.Pipes;
using System.Text;
using Hubbub.Storage.Files;
using Microsoft.Win32.SafeHandles;

namespace Hubbub.Storage.Tests.Files;

public sealed class LocalFileSystemTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("hubbub-files-").FullName;
    private readonly LocalFileSystem _files = LocalFileSystem.Instance;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void File_WrittenPreallocatedTruncated_ReadsBack()
    {
        var path = Path.Combine(_directory, "file");
        using (var file = _files.Create(path))
        {
            file.Preallocate(1 << 20);
            file.Write("hello"u8, 100);
            file.Sync();
            Assert.Equal(1 << 20, file.Length);
            Assert.True(file.SeekData(0) <= 100);
            Assert.True(file.SeekData(900_000) >= 900_000);
            file.Truncate(105);
        }
        _files.Rename(path, path + ".renamed");
        _files.SyncDirectory(_directory);
        using (var file = _files.Open(path + ".renamed"))
        {
            var buffer = new byte[64];
            Assert.Equal(5, file.Read(buffer, 100));
            Assert.Equal("hello", Encoding.ASCII.GetString(buffer, 0, 5));
            Assert.Equal(105, file.SeekData(105));
        }
        Assert.Equal([new StoredFile("file.renamed", 105)], _files.List(_directory));
        _files.Delete(path + ".renamed");
        Assert.Empty(_files.List(_directory));
        Assert.Empty(_files.List(Path.Combine(_directory, "missing")));
        Assert.True(_files.GetFreeBytes(_directory) > 0);
    }

    [Fact]
    public void CreateDirectory_SeveralLevels_MakesAllOfThem()
    {
        var path = Path.Combine(_directory, "a", "b", "c");
        _files.CreateDirectory(path);
        _files.CreateDirectory(path);
        Assert.True(Directory.Exists(path));
    }

    [Fact]
    public void SyncDirectory_Missing_Throws() =>
        Assert.ThrowsAny<IOException>(() => _files.SyncDirectory(Path.Combine(_directory, "missing")));

    [Fact]
    public void SyncData_KernelRefuses_Throws()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A pipe can be flushed on Windows");
        // A pipe cannot be synced: the kernel answers EINVAL, and the answer must reach us.
        using var pipe = new AnonymousPipeServerStream();
        using var handle = new SafeFileHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        var error = Assert.ThrowsAny<IOException>(() => NativeFile.SyncData(handle, "a pipe"));
        Assert.Contains("fdatasync of a pipe failed", error.Message, StringComparison.Ordinal);
    }
}
