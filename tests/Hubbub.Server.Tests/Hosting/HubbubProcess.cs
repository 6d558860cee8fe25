using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Hubbub.Server.Tests.Hosting;

/// <summary>The executable <c>hubbub</c> as a child process; it does not outlive the test.</summary>
internal sealed partial class HubbubProcess : IAsyncDisposable
{
    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly Task<string> _error;

    private HubbubProcess(Process process) => (_process, _error) = (process, process.StandardError.ReadToEndAsync());

    public static HubbubProcess Start(string? connectionString, params string[] arguments)
    {
        // artifacts/bin/Hubbub.Server.Tests/CONFIGURATION/ -> artifacts/bin/Hubbub.Cli/CONFIGURATION/
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var program = Path.Combine(here.Parent!.Parent!.FullName, "Hubbub.Cli", here.Name, "hubbub.dll");
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment.Remove("HUBBUB_CONNECTION_STRING");
        if (connectionString is not null)
            start.Environment["HUBBUB_CONNECTION_STRING"] = connectionString;
        return new HubbubProcess(Process.Start(start)!);
    }

    /// <summary>Runs a verb to its end.</summary>
    public static async Task<(int ExitCode, string[] Output, string Error)> RunAsync(
        string? connectionString, params string[] arguments)
    {
        await using var process = Start(connectionString, arguments);
        return await process.EndAsync();
    }

    public async Task<string?> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);

    public void Terminate() => Assert.Equal(0, Kill(_process.Id, SigTerm));

    /// <summary>Waits for the end; the output is what was not read before.</summary>
    public async Task<(int ExitCode, string[] Output, string Error)> EndAsync()
    {
        var output = await _process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (_process.ExitCode, output.Split('\n', StringSplitOptions.RemoveEmptyEntries), await _error);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
