using System.Buffers.Binary;
using System.Text;
using Hubbub.Amqp.Codec;

namespace Hubbub.Client.Events;

/// <summary>Reads an AMQP array of strings (AMQP 1.6.24); one string alone counts as an array of one.</summary>
internal static class StringArray
{
    /// <param name="value">The value, which the codec has checked.</param>
    /// <param name="countMax">More strings are refused.</param>
    /// <param name="strings">The strings, when the result is true.</param>
    public static bool TryRead(AmqpValue value, int countMax, out string[] strings)
    {
        strings = [];
        if (value.TryGetString(out var single))
        {
            strings = [single];
            return true;
        }
        if (value.Kind != AmqpKind.Array)
            return false;
        // [code][size][count][element code], then the elements: size and count have one byte or four.
        var bytes = value.Encoded.Span;
        var width = bytes[0] == FormatCode.Array8 ? 1 : 4;
        var at = 1 + width;
        if (!TryReadSize(bytes, ref at, width, out var count) || count > countMax || at >= bytes.Length)
            return false;
        var code = bytes[at++];
        if (code is not (FormatCode.String8 or FormatCode.String32))
            return false;
        strings = new string[count];
        for (var i = 0; i < count; i++)
        {
            if (!TryReadSize(bytes, ref at, code == FormatCode.String8 ? 1 : 4, out var length)
                || length > bytes.Length - at)
                return false;
            strings[i] = Encoding.UTF8.GetString(bytes.Slice(at, length));
            at += length;
        }
        return true;
    }

    private static bool TryReadSize(ReadOnlySpan<byte> bytes, ref int at, int width, out int size)
    {
        size = 0;
        if (at > bytes.Length - width)
            return false;
        size = width == 1 ? bytes[at] : BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
        at += width;
        return size >= 0;
    }
}
