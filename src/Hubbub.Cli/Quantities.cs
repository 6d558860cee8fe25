using System.CommandLine.Parsing;
using System.Globalization;

namespace Hubbub.Cli;

/// <summary>Durations and sizes as people write them: 90s, 15m, 12h, 1d; 500MB, 10GB, 1GiB.</summary>
internal static class Quantities
{
    private static readonly (string Unit, long Bytes)[] Sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    private static readonly (string Unit, double Seconds)[] Times =
        [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

    /// <summary>For the CustomParser of an option.</summary>
    public static TimeSpan ParseDuration(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (!TryParseDuration(text, out var duration))
            result.AddError($"'{text}' is no duration; write a number and ms, s, m, h or d, as 12h.");
        return duration;
    }

    /// <summary>A number and a unit of time.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        foreach (var (unit, seconds) in Times)
        {
            if (TryNumber(text, unit, out var number) && number * seconds < TimeSpan.MaxValue.TotalSeconds)
            {
                duration = TimeSpan.FromSeconds(number * seconds);
                return true;
            }
        }
        duration = default;
        return false;
    }

    /// <summary>For the CustomParser of an option. In bytes.</summary>
    public static long? ParseSize(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        foreach (var (unit, bytes) in Sizes)
        {
            if (TryNumber(text, unit, out var number) && number * bytes < long.MaxValue)
                return (long)(number * bytes);
        }
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var plain))
            return plain;
        result.AddError($"'{text}' is no size; write a number and KB, MB, GB, TB (or KiB, MiB, ...), as 10GB.");
        return null;
    }

    private static bool TryNumber(string text, string unit, out double number)
    {
        number = 0;
        return text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
            && double.TryParse(
                text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture, out number);
    }
}
