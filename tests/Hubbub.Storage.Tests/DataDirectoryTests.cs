namespace Hubbub.Storage.Tests;

public sealed class DataDirectoryTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("hubbub-data-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Open_WhileAnotherHoldsIt_IsRefusedAndNamesTheDirectory()
    {
        var path = Path.Combine(_directory, "hub");
        using (DataDirectory.Open(path))
        {
            var refused = Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(path));
            Assert.Contains($"{path} is in use by another hub", refused.Message, StringComparison.Ordinal);
        }
        using var again = DataDirectory.Open(path);
        Assert.True(Directory.Exists(again.EventsDirectory));
    }

    [Fact]
    public void Open_WhereTheLockCannotBeWritten_IsNotTakenForAnotherHub()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a link that leads to itself");
        File.CreateSymbolicLink(Path.Combine(_directory, "lock"), Path.Combine(_directory, "lock"));

        var refused = Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(_directory));

        Assert.Contains($"{_directory} cannot be written", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("another hub", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_DirectoryOfANewerVersion_IsRefusedAndUntouched()
    {
        File.WriteAllText(Path.Combine(_directory, "format"), "hubbub-data 2\n");
        var refused = Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(_directory));
        Assert.Contains("format 2", refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_directory, "events")));
    }

    [Fact]
    public void Open_NewDirectory_IsReadableByItsOwnerOnly()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix modes");
        var path = Path.Combine(_directory, "hub");
        using var data = DataDirectory.Open(path);
        if (OperatingSystem.IsWindows())
            return;
        foreach (var directory in new[] { path, data.EventsDirectory, data.StateDirectory })
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
        }
    }
}
