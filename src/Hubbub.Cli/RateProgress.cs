using System.Globalization;
using Spectre.Console;

namespace Hubbub.Cli;

/// <summary>How many have been done and how fast: a line that changes, on a terminal's standard error only.</summary>
internal static class RateProgress
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <param name="what">What is counted, as "sent".</param>
    /// <param name="total">How many there will be; null when that is not known.</param>
    /// <param name="count">How many there are now; called from another thread.</param>
    /// <param name="work">What counts.</param>
    public static async Task<T> RunAsync<T>(string what, long? total, Func<long> count, Func<Task<T>> work)
    {
        if (Console.IsErrorRedirected)
            return await work();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Status().StartAsync(Markup.Escape(what), async status =>
        {
            var working = work();
            var (before, beforeAt) = (0L, TimeProvider.System.GetTimestamp());
            while (!working.IsCompleted)
            {
                await Task.WhenAny(working, Task.Delay(Interval, TimeProvider.System));
                var (now, at) = (count(), TimeProvider.System.GetTimestamp());
                var rate = (now - before) / TimeProvider.System.GetElapsedTime(beforeAt, at).TotalSeconds;
                (before, beforeAt) = (now, at);
                status.Status(Markup.Escape(Describe(what, now, total, Math.Max(0, rate))));
            }
            return await working;
        });
    }

    private static string Describe(string what, long now, long? total, double rate) =>
        string.Create(CultureInfo.InvariantCulture, $"{what}: {now:N0}{Of(total)}, {rate:N0} a second");

    private static string Of(long? total) =>
        total is { } all ? string.Create(CultureInfo.InvariantCulture, $" of {all:N0}") : "";
}
