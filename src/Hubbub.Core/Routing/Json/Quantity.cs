using System.Globalization;

namespace Hubbub.Core.Routing.Json;

/// <summary>Durations and sizes as people write them: <c>200ms 30s 15m 12h 1d</c>, <c>64MB 1GiB</c>.</summary>
internal static class Quantity
{
    private static readonly (string Unit, long Ticks)[] Times =
    [
        ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond), ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour), ("d", TimeSpan.TicksPerDay),
    ];

    private static readonly (string Unit, long Bytes)[] Sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    public static bool TryParse(string text, out TimeSpan duration)
    {
        var isTime = TryParse(text, Times, out var ticks);
        duration = new TimeSpan(ticks);
        return isTime;
    }

    public static bool TryParse(string text, out long bytes) => TryParse(text, Sizes, out bytes);

    /// <summary>The duration in the greatest unit in which it is a whole number.</summary>
    public static string Format(TimeSpan duration)
    {
        for (var i = Times.Length - 1; i > 0; i--)
        {
            if (duration.Ticks % Times[i].Ticks == 0 && duration.Ticks != 0)
                return string.Create(CultureInfo.InvariantCulture, $"{duration.Ticks / Times[i].Ticks}{Times[i].Unit}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds}ms");
    }

    private static bool TryParse(string text, (string Unit, long Size)[] units, out long value)
    {
        foreach (var (unit, size) in units)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && decimal.TryParse(
                    text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture, out var number)
                && number <= long.MaxValue / size)
            {
                value = (long)(number * size);
                return true;
            }
        }
        value = 0;
        return false;
    }
}
