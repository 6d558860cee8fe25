using System.Diagnostics;
using System.Text.Json;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>Runs one verb of <c>hubbub</c> against a hub's data directory, as a person at a terminal would.</summary>
internal static class Cli
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Runs a verb with <c>--data</c> of <paramref name="hub"/>.</summary>
    public static Task<CliResult> RunAsync(HubProcess hub, params string[] arguments) =>
        RunBareAsync([.. arguments, "--data", hub.Data]);

    /// <summary>Runs exactly these arguments.</summary>
    public static Task<CliResult> RunBareAsync(params string[] arguments) => RunWithAsync(null, arguments);

    /// <summary>Runs exactly these arguments, with a connection string in the environment.</summary>
    public static async Task<CliResult> RunWithAsync(string? connectionString, params string[] arguments)
    {
        var start = new ProcessStartInfo(Workspace.Hubbub, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("HUBBUB_CONNECTION_STRING");
        if (connectionString is not null) start.Environment["HUBBUB_CONNECTION_STRING"] = connectionString;
        using var process = Process.Start(start)!;
        var cancellation = TestContext.Current.CancellationToken;
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var error = process.StandardError.ReadToEndAsync(cancellation);
        try
        {
            await process.WaitForExitAsync(cancellation).WaitAsync(Limit, cancellation);
        }
        catch (TimeoutException)
        {
            process.Kill();
        }
        return new CliResult(process.ExitCode, (await output).TrimEnd('\n'), (await error).TrimEnd('\n'));
    }
}

/// <summary>How a verb ended and what it printed.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Error)
{
    public string[] Lines => Output.Length == 0 ? [] : Output.Split('\n');

    /// <summary>The output as JSON lines, after a clean end.</summary>
    public JsonElement[] Json => [.. Done().Lines.Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

    /// <summary>Fails the test unless the verb ended with exit code 0.</summary>
    public CliResult Done()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Output}\n{Error}");
        return this;
    }

    /// <summary>Fails the test unless one line on standard error tells of the refusal and holds each word.</summary>
    public void Refused(params string[] words)
    {
        Assert.True(ExitCode == 1 && Output.Length == 0, $"exit code {ExitCode}: {Output}\n{Error}");
        Assert.DoesNotContain('\n', Error);
        Assert.All(words, word => Assert.Contains(word, Error, StringComparison.OrdinalIgnoreCase));
    }
}
