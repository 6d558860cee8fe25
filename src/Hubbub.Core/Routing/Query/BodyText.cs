using System.Buffers;
using System.Text;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// Whether a body may be asked for paths, and its text. The content type must be application/json, and the content
/// encoding utf-8, utf-16 or utf-32. Some clients say the encoding as the charset of the content type instead.
/// </summary>
internal static class BodyText
{
    private const int EncodingLengthMax = 64;
    private const int TypeLengthMax = 256;

    private static readonly UTF32Encoding BigEndianUtf32 = new(bigEndian: true, byteOrderMark: false);

    /// <summary>The encoding of a JSON body; null when the properties do not say that it is one.</summary>
    public static Encoding? EncodingOf(ReadOnlySpan<byte> contentType, ReadOnlySpan<byte> contentEncoding)
    {
        if (contentType.Length > TypeLengthMax || contentEncoding.Length > EncodingLengthMax)
            return null;
        var end = contentType.IndexOf((byte)';');
        var type = Trim(end < 0 ? contentType : contentType[..end]);
        if (!Ascii.EqualsIgnoreCase(type, "application/json"u8))
            return null;
        return Named(contentEncoding.IsEmpty && end >= 0 ? Charset(contentType[(end + 1)..]) : Trim(contentEncoding));
    }

    /// <summary>The body in UTF-8, without a byte order mark.</summary>
    public static ReadOnlySpan<byte> Utf8(ReadOnlySpan<byte> body, Encoding encoding, TextScratch scratch)
    {
        if (encoding == Encoding.UTF8)
            return body.StartsWith("\uFEFF"u8) ? body[3..] : body;
        // Without a mark it is little-endian, as .NET writes it.
        if (encoding == Encoding.Unicode && body.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            encoding = Encoding.BigEndianUnicode;
        else if (encoding == Encoding.UTF32 && body.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xFE, 0xFF]))
            encoding = BigEndianUtf32;
        var chars = ArrayPool<char>.Shared.Rent(encoding.GetMaxCharCount(body.Length));
        try
        {
            var text = chars.AsSpan(0, encoding.GetChars(body, chars));
            text = text.StartsWith("\uFEFF") ? text[1..] : text;
            var size = Encoding.UTF8.GetByteCount(text);
            var room = scratch.Reserve(size);
            if (room.Length < size)
                return [];
            Encoding.UTF8.GetBytes(text, room);
            scratch.Commit(size);
            return room[..size];
        }
        finally
        {
            ArrayPool<char>.Shared.Return(chars);
        }
    }

    private static Encoding? Named(ReadOnlySpan<byte> name)
    {
        if (Ascii.EqualsIgnoreCase(name, "utf-8"u8))
            return Encoding.UTF8;
        if (Ascii.EqualsIgnoreCase(name, "utf-16"u8))
            return Encoding.Unicode;
        return Ascii.EqualsIgnoreCase(name, "utf-32"u8) ? Encoding.UTF32 : null;
    }

    private static ReadOnlySpan<byte> Charset(ReadOnlySpan<byte> parameters)
    {
        while (!parameters.IsEmpty)
        {
            var end = parameters.IndexOf((byte)';');
            var parameter = Trim(end < 0 ? parameters : parameters[..end]);
            parameters = end < 0 ? [] : parameters[(end + 1)..];
            var equals = parameter.IndexOf((byte)'=');
            if (equals > 0 && Ascii.EqualsIgnoreCase(Trim(parameter[..equals]), "charset"u8))
                return Trim(parameter[(equals + 1)..]).Trim((byte)'"');
        }
        return [];
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t"u8);
}
