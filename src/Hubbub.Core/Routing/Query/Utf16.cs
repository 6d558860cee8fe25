using System.Buffers;
using System.Text;

namespace Hubbub.Core.Routing.Query;

/// <summary>UTF-8 texts counted and changed as if they were UTF-16, which conditions count in.</summary>
internal static class Utf16
{
    private const int StackBytesMax = 256;

    /// <summary>How many UTF-16 characters a text has.</summary>
    public static int Length(ReadOnlySpan<byte> text) =>
        Ascii.IsValid(text) ? text.Length : Encoding.UTF8.GetCharCount(text);

    /// <summary>
    /// The byte at which the character with an index begins, or the end; -1 when a character of four bytes, which is
    /// two in UTF-16, would be cut in two.
    /// </summary>
    public static int ByteAt(ReadOnlySpan<byte> text, int index)
    {
        if (Ascii.IsValid(text))
            return index;
        var at = 0;
        while (index > 0 && at < text.Length)
        {
            Rune.DecodeFromUtf8(text[at..], out var rune, out var size);
            index -= rune.Utf16SequenceLength;
            at += size;
        }
        return index == 0 ? at : -1;
    }

    /// <summary>
    /// Most bytes that a text has with its case changed: a character of one byte may become one of three.
    /// </summary>
    public static int CaseSizeMax(ReadOnlySpan<byte> text) => Ascii.IsValid(text) ? text.Length : text.Length * 3;

    /// <summary>Writes a text with its case changed, by the invariant rules.</summary>
    /// <returns>How many bytes were written.</returns>
    public static int ChangeCase(ReadOnlySpan<byte> text, Span<byte> result, bool isUpper)
    {
        if (Ascii.IsValid(text))
        {
            _ = isUpper ? Ascii.ToUpper(text, result, out var written) : Ascii.ToLower(text, result, out written);
            return written;
        }
        var rented = text.Length > StackBytesMax ? ArrayPool<char>.Shared.Rent(text.Length * 2) : null;
        var chars = rented is null ? stackalloc char[StackBytesMax * 2] : rented.AsSpan();
        var half = chars.Length / 2;
        var read = chars[..Encoding.UTF8.GetChars(text, chars[..half])];
        var changed = chars.Slice(half, read.Length);
        _ = isUpper
            ? ((ReadOnlySpan<char>)read).ToUpperInvariant(changed)
            : ((ReadOnlySpan<char>)read).ToLowerInvariant(changed);
        var size = Encoding.UTF8.GetBytes(changed, result);
        if (rented is not null)
            ArrayPool<char>.Shared.Return(rented);
        return size;
    }
}
