using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using Hubbub.Amqp.Codec;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Server.Routing;

/// <summary>
/// Encoded values as texts. The bytes were scanned before, so lengths are right. Strings and symbols stay where they
/// are; numbers, booleans and times are written out, for conditions see every property as a text.
/// </summary>
internal static class AmqpText
{
    private const int LongestNumber = 32;

    /// <summary>True for the constructors of strings, symbols and binaries.</summary>
    public static bool IsTextOrBinary(byte code) => (code & 0xE0) == 0xA0;

    /// <summary>The content of a value of variable width that stands alone.</summary>
    public static Range ContentOf(ReadOnlySpan<byte> encoded)
    {
        var at = 0;
        return ContentOf(encoded, ref at);
    }

    /// <summary>The content of a value of variable width; moves behind it.</summary>
    public static Range ContentOf(ReadOnlySpan<byte> encoded, ref int at)
    {
        // AMQP 1.2: 0xa_ has a size of one byte, 0xb_ of four.
        int start, length;
        if ((encoded[at] & 0xF0) == 0xA0)
            (start, length) = (at + 2, encoded[at + 1]);
        else
            (start, length) = (at + 5, BinaryPrimitives.ReadInt32BigEndian(encoded[(at + 1)..]));
        at = start + length;
        return start..at;
    }

    /// <summary>Reads a value of a simple type; moves behind it.</summary>
    /// <param name="encoded">The section that holds it.</param>
    /// <param name="at">Where it begins.</param>
    /// <param name="sectionStart">Where the section begins in the message.</param>
    /// <param name="scratch">Takes what has to be written out.</param>
    /// <param name="isBinaryText">True: a binary counts as text in UTF-8, as clients mean it in the properties.</param>
    public static MessageText Read(
        ReadOnlySpan<byte> encoded, ref int at, int sectionStart, TextScratch scratch, bool isBinaryText)
    {
        var code = encoded[at];
        if (IsTextOrBinary(code))
        {
            var (start, length) = ContentOf(encoded, ref at).GetOffsetAndLength(encoded.Length);
            return code is FormatCode.Binary8 or FormatCode.Binary32 && !isBinaryText
                ? MessageText.Missing
                : MessageText.InMessage(sectionStart + start, length);
        }
        var width = WidthOf(code);
        if (width < 0)
        {
            // A described value: the scan allows it in requests only, which are not routed.
            at = encoded.Length;
            return MessageText.Missing;
        }
        var content = encoded.Slice(at + 1, width);
        at += 1 + width;
        return Write(code, content, scratch);
    }

    // AMQP 1.2: the upper half of a constructor tells the width.
    private static int WidthOf(byte code) => (code >> 4) switch
    {
        0x4 => 0,
        0x5 => 1,
        0x6 => 2,
        0x7 => 4,
        0x8 => 8,
        0x9 => 16,
        _ => -1,
    };

    private static MessageText Write(byte code, ReadOnlySpan<byte> content, TextScratch scratch) => code switch
    {
        FormatCode.Null => MessageText.Null,
        FormatCode.True => scratch.Add("true"u8),
        FormatCode.False => scratch.Add("false"u8),
        FormatCode.Boolean => scratch.Add(content[0] != 0 ? "true"u8 : "false"u8),
        FormatCode.UInt0 or FormatCode.ULong0 => scratch.Add("0"u8),
        FormatCode.UByte or FormatCode.SmallUInt or FormatCode.SmallULong => Whole(content[0], scratch),
        FormatCode.Byte or FormatCode.SmallInt or FormatCode.SmallLong => Whole((sbyte)content[0], scratch),
        FormatCode.UShort => Whole(BinaryPrimitives.ReadUInt16BigEndian(content), scratch),
        FormatCode.Short => Whole(BinaryPrimitives.ReadInt16BigEndian(content), scratch),
        FormatCode.UInt => Whole(BinaryPrimitives.ReadUInt32BigEndian(content), scratch),
        FormatCode.Int => Whole(BinaryPrimitives.ReadInt32BigEndian(content), scratch),
        FormatCode.ULong => Formatted(BinaryPrimitives.ReadUInt64BigEndian(content), default, scratch),
        FormatCode.Long => Whole(BinaryPrimitives.ReadInt64BigEndian(content), scratch),
        FormatCode.Float => Formatted(BinaryPrimitives.ReadSingleBigEndian(content), default, scratch),
        FormatCode.Double => Formatted(BinaryPrimitives.ReadDoubleBigEndian(content), default, scratch),
        FormatCode.Timestamp => Time(BinaryPrimitives.ReadInt64BigEndian(content), scratch),
        FormatCode.Uuid => Formatted(new Guid(content, bigEndian: true), default, scratch),
        FormatCode.Char => Character(BinaryPrimitives.ReadInt32BigEndian(content), scratch),
        _ => MessageText.Missing, // Decimals: no client writes them.
    };

    private static MessageText Whole(long value, TextScratch scratch)
    {
        var room = scratch.Reserve(LongestNumber);
        return Utf8Formatter.TryFormat(value, room, out var written) ? scratch.Commit(written) : MessageText.Missing;
    }

    private static MessageText Formatted<T>(T value, ReadOnlySpan<char> format, TextScratch scratch)
        where T : IUtf8SpanFormattable
    {
        var room = scratch.Reserve(LongestNumber * 2);
        return value.TryFormat(room, out var written, format, CultureInfo.InvariantCulture)
            ? scratch.Commit(written)
            : MessageText.Missing;
    }

    /// <summary>A time as the service writes it: UTC, seven digits of a second.</summary>
    public static MessageText Time(long unixMs, TextScratch scratch) =>
        unixMs is < -62_135_596_800_000 or > 253_402_300_799_999
            ? MessageText.Missing
            : Formatted(
                DateTimeOffset.FromUnixTimeMilliseconds(unixMs).UtcDateTime, "yyyy-MM-ddTHH:mm:ss.fffffffZ", scratch);

    private static MessageText Character(int code, TextScratch scratch)
    {
        if (!System.Text.Rune.IsValid(code))
            return MessageText.Missing;
        var room = scratch.Reserve(4);
        return room.Length < 4
            ? MessageText.Missing
            : scratch.Commit(new System.Text.Rune(code).EncodeToUtf8(room));
    }
}
