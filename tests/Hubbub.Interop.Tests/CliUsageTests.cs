using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>A command line that is not understood: one line says which word, why, and where to read on.</summary>
public sealed class CliUsageTests
{
    [Theory]
    [InlineData("", "one of: up, device,", "'hubbub --help'")]
    [InlineData("frobnicate", "'frobnicate' is none of: up,", "'hubbub --help'")]
    [InlineData("device", "'hubbub device' wants one of: create,", "'hubbub device --help'")]
    [InlineData("device frobnicate", "'frobnicate' is none of: create,", "'hubbub device --help'")]
    [InlineData("device create", "ID", "'hubbub device create --help'")]
    [InlineData("device list --top 5000", "--top must be 1 to 1000, not 5000", "'hubbub device list --help'")]
    [InlineData("up --https-port 99999", "--https-port must be 0 to 65535, not 99999", "'hubbub up --help'")]
    [InlineData("up --amqps-port https", "'https' is no number for --amqps-port", "'hubbub up --help'")]
    [InlineData("up --log-level loud", "'loud'", "Debug", "'hubbub up --help'")]
    [InlineData("send x --count 0", "--count must be 1 or more, not 0", "'hubbub send --help'")]
    [InlineData("send x --count many", "'many' is no number for --count", "'hubbub send --help'")]
    [InlineData("send x --rate 0", "--rate", "'0'", "'hubbub send --help'")]
    [InlineData("bench --devices x", "'x' is no number for --devices", "'hubbub bench --help'")]
    [InlineData("route test --last x", "'x' is no number for --last", "'hubbub route test --help'")]
    [InlineData("listen x --reject=maybe", "maybe", "'hubbub listen --help'")]
    [InlineData("tail --from x", "'x' is no position", "'hubbub tail --help'")]
    public async Task Nonsense_IsAUsageError_InOneLine(string arguments, params string[] words)
    {
        var result = await Cli.RunBareAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.DoesNotContain('\n', result.Error);
        Assert.DoesNotContain("System.", result.Error, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, result.Error, StringComparison.Ordinal));
    }
}
