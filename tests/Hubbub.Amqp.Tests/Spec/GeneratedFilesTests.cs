using AmqpGen;

namespace Hubbub.Amqp.Tests.Spec;

/// <summary>The files checked in are what the generator makes of the specification.</summary>
public sealed class GeneratedFilesTests
{
    [Fact]
    public void GeneratedFiles_MadeAgain_AreThoseCheckedIn()
    {
        var library = Path.Combine(RepositoryRoot(), "src", "Hubbub.Amqp");
        foreach (var (name, text) in Emitter.Emit(SpecFiles.Folder))
        {
            var checkedIn = File.ReadAllText(Path.Combine(library, name));
            Assert.True(text == checkedIn, $"{name} is not current: run tools/AmqpGen");
        }
    }

    [Fact]
    public void GeneratedFiles_NotMadeByTheGenerator_DoNotExist()
    {
        var library = Path.Combine(RepositoryRoot(), "src", "Hubbub.Amqp");
        var present = Directory.EnumerateFiles(library, "*.g.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(library, path).Replace('\\', '/'));
        var made = Emitter.Emit(SpecFiles.Folder).Keys;
        Assert.Equal(made.Order(StringComparer.Ordinal), present.Order(StringComparer.Ordinal));
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Hubbub.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The test does not run inside the repository");
    }
}
