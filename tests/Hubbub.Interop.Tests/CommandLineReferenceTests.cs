using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>docs/command-line.md is what the verbs declare of themselves.</summary>
public sealed class CommandLineReferenceTests
{
    [Fact]
    public async Task Reference_IsCurrent_ElseRunHubbubReference()
    {
        var printed = (await Cli.RunBareAsync("reference")).Done().Output;

        var page = Path.Combine(Workspace.Root, "docs", "command-line.md");
        var written = await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken);
        Assert.True(
            written.TrimEnd('\n') == printed, "docs/command-line.md is not current: hubbub reference > docs/command-line.md");
    }
}
