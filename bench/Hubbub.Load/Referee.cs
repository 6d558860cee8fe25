using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Hubbub.Load;

/// <summary>One run of the neutral load generator.</summary>
internal sealed record RefereeResult(double Rate, double P50Us, double P99Us, string Line);

/// <summary>Runs the neutral load generator and reads its line.</summary>
internal static partial class Referee
{
    public static async Task<RefereeResult> RunAsync(CompareOptions options, params string[] arguments)
    {
        var start = new ProcessStartInfo(options.Referee) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var line = (await process.StandardOutput.ReadToEndAsync()).Trim();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"The load generator failed: {line} {await error}");
        return new RefereeResult(Number(line, RatePattern()), Number(line, P50Pattern()), Number(line, P99Pattern()), line);
    }

    /// <summary>Repeats a run and keeps the one with the median rate.</summary>
    public static async Task<RefereeResult> MedianAsync(CompareOptions options, params string[] arguments)
    {
        var runs = new List<RefereeResult>();
        for (var i = 0; i < options.Rounds; i++)
            runs.Add(await RunAsync(options, arguments));
        runs.Sort(static (a, b) => a.Rate.CompareTo(b.Rate));
        return runs[runs.Count / 2];
    }

    private static double Number(string line, Regex pattern) =>
        pattern.Match(line) is { Success: true } match ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"rate=(\d+)/s")]
    private static partial Regex RatePattern();

    [GeneratedRegex(@" p50=(\d+)us")]
    private static partial Regex P50Pattern();

    [GeneratedRegex(@" p99=(\d+)us")]
    private static partial Regex P99Pattern();
}
