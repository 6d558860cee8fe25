using System.Runtime.CompilerServices;

namespace Hubbub.Client.Tests;

/// <summary>
/// What the package offers is in a file that is reviewed. HUBBUB_ACCEPT=1 writes it anew, so that the change shows in
/// the commit.
/// </summary>
public sealed class PublicApiTests
{
    [Fact]
    public async Task PublicApi_IsWhatTheReviewedFileSays()
    {
        var path = Path.Combine(Root(), "src", "Hubbub.Client", "PublicAPI.txt");
        var actual = PublicApi.LinesOf(typeof(DeviceClient).Assembly).ToList();
        if (Environment.GetEnvironmentVariable("HUBBUB_ACCEPT") == "1")
            await File.WriteAllLinesAsync(path, actual, Some.Patience);

        var reviewed = await File.ReadAllLinesAsync(path, Some.Patience);

        Assert.Equal(string.Join('\n', reviewed), string.Join('\n', actual));
    }

    internal static string Root([CallerFilePath] string path = "")
    {
        // A build that is meant to be reproducible hides where it was made.
        var start = File.Exists(path) ? Path.GetDirectoryName(path)! : AppContext.BaseDirectory;
        for (var directory = new DirectoryInfo(start); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Hubbub.slnx")))
                return directory.FullName;
        }
        throw new DirectoryNotFoundException("Hubbub.slnx is in no directory above the tests.");
    }
}
