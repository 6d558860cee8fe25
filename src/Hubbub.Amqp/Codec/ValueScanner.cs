using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;

namespace Hubbub.Amqp.Codec;

/// <summary>
/// Walks over one encoded value and checks all of it: codes, sizes, counts, depth, UTF-8, ASCII, map keys.
/// Allocates nothing from what the bytes claim; whatever is wrong is an <see cref="AmqpException"/>.
/// </summary>
internal static class ValueScanner
{
    /// <summary>The position after the value that starts at <paramref name="position"/>.</summary>
    internal static int Skip(ReadOnlySpan<byte> bytes, int position) => SkipValue(bytes, position, 0);

    /// <summary>
    /// The position after the value of a simple type that starts at <paramref name="position"/> and that was checked
    /// before: only its bounds are looked at.
    /// </summary>
    internal static int SkipSimple(ReadOnlySpan<byte> bytes, int position)
    {
        var code = ReadByte(bytes, position++);
        return (code & 0xF0) switch
        {
            0xA0 => Advance(bytes, position + 1, ReadByte(bytes, position)),
            0xB0 => Advance(bytes, position + 4, ReadSize(bytes, position, 4)),
            _ => Advance(bytes, position, FormatCode.FixedWidth(code)),
        };
    }

    private static int SkipValue(ReadOnlySpan<byte> bytes, int position, int depth)
    {
        if ((uint)position >= (uint)bytes.Length)
            throw Truncated();
        var code = bytes[position];
        return code == FormatCode.Described
            ? SkipDescribed(bytes, position + 1, depth + 1)
            : SkipData(bytes, position + 1, code, depth);
    }

    private static int SkipDescribed(ReadOnlySpan<byte> bytes, int position, int depth)
    {
        CheckDepth(depth);
        position = SkipDescriptor(bytes, position, depth);
        return SkipValue(bytes, position, depth);
    }

    private static int SkipDescriptor(ReadOnlySpan<byte> bytes, int position, int depth)
    {
        if ((uint)position < (uint)bytes.Length && bytes[position] == FormatCode.Described)
            throw AmqpException.Decode("a descriptor is itself described");
        return SkipValue(bytes, position, depth);
    }

    /// <summary>Skips the data of a value whose constructor was read; array elements share one constructor.</summary>
    private static int SkipData(ReadOnlySpan<byte> bytes, int position, byte code, int depth)
    {
        switch (code)
        {
            case FormatCode.Null or FormatCode.True or FormatCode.False or FormatCode.UInt0 or FormatCode.ULong0
                or FormatCode.List0:
                return position;
            case FormatCode.UByte or FormatCode.Byte or FormatCode.SmallUInt or FormatCode.SmallULong
                or FormatCode.SmallInt or FormatCode.SmallLong:
                return Advance(bytes, position, 1);
            case FormatCode.Boolean:
                var next = Advance(bytes, position, 1);
                return bytes[position] <= 1 ? next : throw AmqpException.Decode("a boolean is neither 0 nor 1");
            case FormatCode.UShort or FormatCode.Short:
                return Advance(bytes, position, 2);
            case FormatCode.UInt or FormatCode.Int or FormatCode.Float or FormatCode.Decimal32:
                return Advance(bytes, position, 4);
            case FormatCode.Char:
                var after = Advance(bytes, position, 4);
                return Rune.IsValid(BinaryPrimitives.ReadUInt32BigEndian(bytes[position..]))
                    ? after
                    : throw AmqpException.Decode("a char is not a Unicode scalar value");
            case FormatCode.ULong or FormatCode.Long or FormatCode.Double or FormatCode.Timestamp
                or FormatCode.Decimal64:
                return Advance(bytes, position, 8);
            case FormatCode.Decimal128 or FormatCode.Uuid:
                return Advance(bytes, position, 16);
            case FormatCode.Binary8 or FormatCode.String8 or FormatCode.Symbol8:
                return SkipVariable(bytes, position, code, 1);
            case FormatCode.Binary32 or FormatCode.String32 or FormatCode.Symbol32:
                return SkipVariable(bytes, position, code, 4);
            case FormatCode.List8 or FormatCode.List32 or FormatCode.Map8 or FormatCode.Map32:
                return SkipCompound(bytes, position, code, depth + 1);
            case FormatCode.Array8 or FormatCode.Array32:
                return SkipArray(bytes, position, code == FormatCode.Array8 ? 1 : 4, depth + 1);
            default:
                throw AmqpException.Decode($"0x{code:x2} is not a format code");
        }
    }

    private static int SkipVariable(ReadOnlySpan<byte> bytes, int position, byte code, int sizeWidth)
    {
        var size = ReadSize(bytes, position, sizeWidth);
        position += sizeWidth;
        var end = Advance(bytes, position, size);
        CheckText(bytes[position..end], code);
        return end;
    }

    /// <summary>Checks the content of a string or a symbol; anything else passes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void CheckText(ReadOnlySpan<byte> content, byte code)
    {
        switch (code & 0x0F)
        {
            case 1 when !Utf8.IsValid(content):
                throw AmqpException.Decode("a string is not UTF-8");
            // AMQP 1.6.21: symbols are ASCII. NUL is ASCII too, but no symbol of any domain holds one.
            case 3 when content.ContainsAnyExceptInRange((byte)1, (byte)127):
                throw AmqpException.Decode("a symbol is not printable ASCII");
        }
    }

    private static int SkipCompound(ReadOnlySpan<byte> bytes, int position, byte code, int depth)
    {
        CheckDepth(depth);
        var width = (code & 0xF0) == 0xC0 ? 1 : 4;
        var count = ReadCompoundHeader(bytes, ref position, width, out var end);
        var content = bytes[..end];
        if ((code & 0x0F) == 1)
        {
            position = SkipPairs(content, position, count, depth);
        }
        else
        {
            for (var i = 0; i < count; i++)
                position = SkipValue(content, position, depth);
        }
        return position == end ? end : throw AmqpException.Decode("a list or map is larger than its elements");
    }

    private static int SkipPairs(ReadOnlySpan<byte> content, int position, int count, int depth)
    {
        if ((count & 1) != 0)
            throw AmqpException.Decode("a map has a key without a value");
        var pairs = count / 2;
        return pairs <= MapKeys.FewMax
            ? SkipFewPairs(content, position, pairs, depth)
            : SkipManyPairs(content, position, pairs, depth);
    }

    [SkipLocalsInit]
    private static int SkipFewPairs(ReadOnlySpan<byte> content, int position, int pairs, int depth)
    {
        var keys = new MapKeys(stackalloc ulong[MapKeys.FewMax]);
        for (var i = 0; i < pairs; i++)
        {
            var keyEnd = SkipValue(content, position, depth);
            keys.AddCompared(content, position, keyEnd);
            position = SkipValue(content, keyEnd, depth);
        }
        return position;
    }

    private static int SkipManyPairs(ReadOnlySpan<byte> content, int position, int pairs, int depth)
    {
        // So many bytes are there: the header's count was checked against them.
        var rented = ArrayPool<ulong>.Shared.Rent(pairs);
        try
        {
            var keys = new MapKeys(rented);
            for (var i = 0; i < pairs; i++)
            {
                var keyEnd = SkipValue(content, position, depth);
                keys.AddHashed(content, position, keyEnd);
                position = SkipValue(content, keyEnd, depth);
            }
            keys.CheckHashed(content);
            return position;
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    private static int SkipArray(ReadOnlySpan<byte> bytes, int position, int width, int depth)
    {
        CheckDepth(depth);
        var size = ReadSize(bytes, position, width);
        position += width;
        var end = Advance(bytes, position, size);
        if (size < width + 1)
            throw AmqpException.Decode("an array has no room for its count and constructor");
        var content = bytes[..end];
        var count = ReadSize(content, position, width);
        position += width;
        if (count > CodecLimits.ElementsMax)
            throw TooMany();
        var code = ReadByte(content, position++);
        while (code == FormatCode.Described)
        {
            CheckDepth(++depth);
            position = SkipDescriptor(content, position, depth);
            code = ReadByte(content, position++);
        }
        return SkipElements(content, position, code, count, depth) == end
            ? end
            : throw AmqpException.Decode("an array is larger than its elements");
    }

    private static int SkipElements(ReadOnlySpan<byte> content, int position, byte code, int count, int depth)
    {
        // Nothing follows the constructor of a zero-width type: one look decides for any number of them.
        if (FormatCode.FixedWidth(code) == 0)
            return SkipData(content, position, code, depth);
        if (count > content.Length - position)
            throw TooMany();
        for (var i = 0; i < count; i++)
            position = SkipData(content, position, code, depth);
        return position;
    }

    /// <summary>
    /// Reads size and count of a list or map whose constructor was read, and moves <paramref name="position"/> to
    /// its first element. The count is checked: an element takes a byte at least.
    /// </summary>
    internal static int ReadCompoundHeader(ReadOnlySpan<byte> bytes, ref int position, int width, out int end)
    {
        var size = ReadSize(bytes, position, width);
        end = Advance(bytes, position + width, size);
        if (size < width)
            throw AmqpException.Decode("a list or map has no room for its count");
        var count = ReadSize(bytes, position + width, width);
        position += 2 * width;
        return count <= end - position && count <= CodecLimits.ElementsMax ? count : throw TooMany();
    }

    /// <summary>A size or count of 1 or 4 bytes; what does not fit an int cannot fit the bytes either.</summary>
    internal static int ReadSize(ReadOnlySpan<byte> bytes, int position, int width)
    {
        if (width == 1)
            return ReadByte(bytes, position);
        if (bytes.Length - position < 4)
            throw Truncated();
        var size = BinaryPrimitives.ReadUInt32BigEndian(bytes[position..]);
        return size <= int.MaxValue ? (int)size : throw Truncated();
    }

    private static byte ReadByte(ReadOnlySpan<byte> bytes, int position) =>
        (uint)position < (uint)bytes.Length ? bytes[position] : throw Truncated();

    private static int Advance(ReadOnlySpan<byte> bytes, int position, int size) =>
        size <= bytes.Length - position ? position + size : throw Truncated();

    private static void CheckDepth(int depth)
    {
        if (depth > CodecLimits.DepthMax)
            throw AmqpException.Decode($"a value is nested more than {CodecLimits.DepthMax} deep");
    }

    private static AmqpException TooMany() => AmqpException.Decode("a count is more than the bytes can hold");

    internal static AmqpException Truncated() => AmqpException.Decode("a value ends before its last byte");
}
