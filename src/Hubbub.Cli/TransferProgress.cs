using Spectre.Console;

namespace Hubbub.Cli;

/// <summary>
/// How far a transfer is: a bar on a terminal's standard error, nothing where it goes into a file or pipe.
/// </summary>
internal static class TransferProgress
{
    /// <param name="what">What is done, as "Importing".</param>
    /// <param name="length">Bytes to be transferred; null when that is not known.</param>
    /// <param name="work">Is given what is to be called with the bytes transferred so far.</param>
    public static async Task<int> RunAsync(string what, long? length, Func<Action<long>, Task<int>> work)
    {
        if (Console.IsErrorRedirected)
            return await work(static _ => { });
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var exitCode = ExitCode.Done;
        await console.Progress().AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new DownloadedColumn(), new TransferSpeedColumn(),
                new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask(what, maxValue: Math.Max(1, length ?? 1));
                task.IsIndeterminate = length is null;
                exitCode = await work(bytes =>
                {
                    if (length is null)
                        task.MaxValue = bytes;
                    task.Value = bytes;
                });
            });
        return exitCode;
    }
}
