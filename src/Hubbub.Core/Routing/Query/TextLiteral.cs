using System.Globalization;
using System.Text;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// A text in single or double quotes. It may span lines; the escapes are <c>\' \" \\ \uXXXX</c> and no others.
/// </summary>
internal static class TextLiteral
{
    private const int HexDigits = 4;

    /// <summary>Reads the literal whose opening quote stands at <paramref name="start"/>.</summary>
    /// <returns>The index behind the closing quote.</returns>
    /// <exception cref="ConditionSyntaxException">The quote is missing, or an escape is none.</exception>
    public static int Read(string text, int start, out string value)
    {
        var quote = text[start];
        var at = start + 1;
        var built = new StringBuilder();
        while (at < text.Length)
        {
            var c = text[at];
            if (c == quote)
            {
                value = built.ToString();
                RefuseHalves(text, start, at + 1, value);
                return at + 1;
            }
            if (c == '\\')
            {
                at = Escape(text, at, built);
                continue;
            }
            built.Append(c);
            at++;
        }
        throw Invalid(text, start, text.Length, "unterminated string", $"the closing {quote}");
    }

    private static int Escape(string text, int at, StringBuilder built)
    {
        if (at + 1 < text.Length && text[at + 1] is '\'' or '"' or '\\')
        {
            built.Append(text[at + 1]);
            return at + 2;
        }
        const string Expected = "\\' \\\" \\\\ or \\u with four hexadecimal digits";
        var digits = at + 2;
        if (at + 1 >= text.Length || text[at + 1] != 'u' || digits + HexDigits > text.Length
            || !ushort.TryParse(
                text.AsSpan(digits, HexDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out var unit))
            throw Invalid(text, at, Math.Min(text.Length, at + 2), "invalid escape", Expected);
        built.Append((char)unit);
        return digits + HexDigits;
    }

    // A half of a surrogate pair is no character, and no message can hold it.
    private static void RefuseHalves(string text, int start, int end, string value)
    {
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar && !value.Contains('\uFFFD', StringComparison.Ordinal))
                throw Invalid(text, start, end, "the string holds half a character", null);
        }
    }

    private static ConditionSyntaxException Invalid(string text, int start, int end, string what, string? expected) =>
        new(ConditionError.At(text, start, end, $"Syntax error: {what}", expected));
}
