using System.Buffers;
using System.Globalization;

namespace Hubbub.Core.Routing.Query;

/// <summary>The spellings of a number: <c>5 -5 2.5 .5 2.5e2 -1e-6 0x1F</c>. All are IEEE doubles.</summary>
internal static class NumberLiteral
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private const NumberStyles Decimal =
        NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>True when the whole word is a number.</summary>
    public static bool IsNumber(ReadOnlySpan<char> word)
    {
        if (IsHex(word))
            return word.Length > 2 && !word[2..].ContainsAnyExcept(HexDigits);
        var at = word is ['-', ..] ? 1 : 0;
        var whole = Digits(word, ref at);
        var fraction = 0;
        if (at < word.Length && word[at] == '.')
        {
            at++;
            fraction = Digits(word, ref at);
        }
        if (whole + fraction == 0)
            return false;
        if (at == word.Length)
            return true;
        if (word[at] is not ('e' or 'E'))
            return false;
        at++;
        if (at < word.Length && word[at] is '+' or '-')
            at++;
        return Digits(word, ref at) > 0 && at == word.Length;
    }

    /// <summary>The value; false for a hexadecimal number of more than 64 bits.</summary>
    public static bool TryParse(ReadOnlySpan<char> word, out double value)
    {
        if (!IsHex(word))
            return double.TryParse(word, Decimal, CultureInfo.InvariantCulture, out value);
        var isHex = long.TryParse(
            word[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits);
        value = bits;
        return isHex;
    }

    private static bool IsHex(ReadOnlySpan<char> word) => word is ['0', 'x' or 'X', ..];

    private static int Digits(ReadOnlySpan<char> word, ref int at)
    {
        var start = at;
        while (at < word.Length && char.IsAsciiDigit(word[at]))
            at++;
        return at - start;
    }
}
