namespace Hubbub.Core.Security;

/// <summary>
/// Percent-decoding to ASCII, once. <c>+</c> stays <c>+</c>, for it is legal in ids and in base64, and no space is
/// legal anywhere; a percent sign that no two hex digits follow stays, for some clients send ids raw.
/// </summary>
internal static class PercentEncoding
{
    /// <summary>Decodes into <paramref name="destination"/>, which must be at least as long as the text.</summary>
    /// <returns>False when an escape stands for a control character or for a byte beyond ASCII.</returns>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<char> destination, out int length)
    {
        length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '%' && i + 2 < text.Length
                && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
            {
                c = (char)((HexValue(text[i + 1]) << 4) | HexValue(text[i + 2]));
                if (c is < ' ' or > '~')
                    return false;
                i += 2;
            }
            destination[length++] = c;
        }
        return true;
    }

    /// <summary>Decodes to a string; null when <see cref="TryDecode"/> refuses.</summary>
    public static string? Decode(string text)
    {
        if (!text.Contains('%', StringComparison.Ordinal))
            return text;
        var buffer = new char[text.Length];
        return TryDecode(text, buffer, out var length) ? new string(buffer, 0, length) : null;
    }

    private static int HexValue(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}
