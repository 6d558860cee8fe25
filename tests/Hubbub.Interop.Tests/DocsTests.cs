using System.Diagnostics;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>Every command of the README and of the getting-started page is typed, and does what the page says.</summary>
[Collection(StandardPorts.Name)]
public sealed class DocsTests(StandardHub standard)
{
    private const string Build = "dotnet build -c Release src/Hubbub.Cli";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task GettingStarted_IsATranscript() =>
        TypeAsync(Transcript.OfConsoleBlocks(Read("docs/getting-started.md")));

    [Fact]
    public async Task Readme_CommandsSucceed()
    {
        var steps = Transcript.OfIndentedBlocks(Read("README.md"));
        // The suite that runs this is ./test, which has built it.
        Assert.Equal(2, steps.RemoveAll(step => step.Command is "./test" or Build));
        await TypeAsync(steps);
    }

    private async Task TypeAsync(List<Transcript.Step> steps)
    {
        Assert.True(steps.Count > 3, "the page has lost its commands");
        await standard.Hub.StopAsync(Cancellation);
        var folder = Directory.CreateTempSubdirectory("hubbub-docs-").FullName;
        Process? hub = null;
        try
        {
            foreach (var step in steps)
            {
                var process = Start(step.Command, folder);
                if (step.Command.StartsWith("hubbub up", StringComparison.Ordinal))
                {
                    hub = process;
                    await ExpectGreetingAsync(hub, step);
                    continue;
                }
                await ExpectAsync(process, step);
            }
        }
        finally
        {
            hub?.Kill(entireProcessTree: true);
            hub?.WaitForExit();
            Directory.Delete(folder, recursive: true);
            await standard.Hub.StartAgainAsync(Cancellation);
        }
    }

    /// <summary>The hub goes on; its greeting ends with how to stop it.</summary>
    private static async Task ExpectGreetingAsync(Process hub, Transcript.Step step)
    {
        var text = "";
        while (!text.Contains("Ctrl+C", StringComparison.Ordinal))
        {
            var line = await hub.StandardOutput.ReadLineAsync(Cancellation).AsTask().WaitAsync(Limit, Cancellation);
            Assert.True(line is not null, $"{step.Command} ended: {text}");
            text += line + "\n";
        }
        Assert.True(step.Output.Count == 0 || Transcript.Matches(step.Output, text), $"{step.Command} printed:\n{text}");
    }

    private static async Task ExpectAsync(Process process, Transcript.Step step)
    {
        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync(Cancellation);
            var error = process.StandardError.ReadToEndAsync(Cancellation);
            await process.WaitForExitAsync(Cancellation).WaitAsync(Limit, Cancellation);
            Assert.True(process.ExitCode == 0, $"{step.Command} failed: {await output}{await error}");
            Assert.True(step.Output.Count == 0 || Transcript.Matches(step.Output, await output),
                $"{step.Command} printed:\n{await output}");
        }
    }

    private static Process Start(string command, string folder)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", command])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{Path.GetDirectoryName(Workspace.Hubbub)}:{start.Environment["PATH"]}";
        start.Environment.Remove("HUBBUB_CONNECTION_STRING");
        return Process.Start(start)!;
    }

    private static string Read(string page) => File.ReadAllText(Path.Combine(Workspace.Root, page));
}
