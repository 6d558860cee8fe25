using System.Globalization;

namespace Hubbub.Core.Routing.Query;

/// <summary>What as_number makes of a text: all that .NET takes as a number in the invariant culture.</summary>
internal static class NumberText
{
    /// <summary>Digits whose number a double holds exactly, whatever they are.</summary>
    private const int ExactDigitsMax = 15;

    private static readonly double[] PowersOfTen =
        [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    /// <summary>Reads a number; NaN counts as none.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out double value) =>
        TryParseSimple(text, out value)
        || (double.TryParse(text, NumberStyles.Any, CultureInfo.InvariantCulture, out value) && !double.IsNaN(value));

    /// <summary>Reads a number of JSON; one too great for a double is infinite.</summary>
    public static bool TryParseJson(ReadOnlySpan<byte> text, out double value) =>
        TryParseSimple(text, out value)
        || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);

    /// <summary>
    /// Few digits with at most a sign and a point, as nearly all are: both numbers of the one division are exact, so
    /// its result is rounded right.
    /// </summary>
    private static bool TryParseSimple(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        var at = text.Length > 0 && text[0] == '-' ? 1 : 0;
        if (text.Length - at is 0 or > ExactDigitsMax)
            return false;
        long digits = 0;
        var point = -1;
        var first = at;
        for (; at < text.Length; at++)
        {
            var digit = text[at] - '0';
            if ((uint)digit <= 9)
                digits = (digits * 10) + digit;
            else if (text[at] == '.' && point < 0)
                point = at;
            else
                return false;
        }
        if (point >= 0 && text.Length - first == 1)
            return false;
        value = point < 0 ? digits : digits / PowersOfTen[text.Length - point - 1];
        if (first > 0)
            value = -value;
        return true;
    }
}
