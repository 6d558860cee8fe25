using System.Buffers.Binary;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Framing;

/// <summary>Bytes to frames; the only place that trusts a frame's length.</summary>
/// <remarks>
/// AMQP 2.3: size u32 | doff u8 | type u8 | channel u16 | extended header (4 * doff - 8) | body.
/// </remarks>
public static class FrameReader
{
    /// <summary>Bytes in the fixed part of a frame.</summary>
    public const int HeaderSize = 8;

    /// <summary>Reads one frame from the start of <paramref name="input"/>.</summary>
    /// <param name="input">Contiguous bytes.</param>
    /// <param name="frameSizeBytesMax">What this side told its peer.</param>
    /// <param name="frame">The frame; its body slices the input.</param>
    /// <returns>The frame's size in bytes, or 0 when the input holds only a part of it.</returns>
    /// <exception cref="AmqpException">amqp:connection:framing-error; nothing was buffered for it.</exception>
    public static int Read(ReadOnlyMemory<byte> input, uint frameSizeBytesMax, out Frame frame)
    {
        frame = default;
        var span = input.Span;
        if (span.Length < HeaderSize)
            return 0;
        // The size is unsigned: 0x80000000 and above is too large, not negative.
        var size = BinaryPrimitives.ReadUInt32BigEndian(span);
        if (size < HeaderSize || size > frameSizeBytesMax)
            throw FramingError($"Frame size {size} is outside {HeaderSize}..{frameSizeBytesMax}.");
        var dataOffset = span[4] * 4;
        if (dataOffset < HeaderSize || dataOffset > size)
            throw FramingError($"Data offset {span[4]} does not fit a frame of {size} bytes.");
        var type = span[5];
        if (type > FrameType.Sasl)
            throw FramingError($"Frame type {type} is unknown.");
        if (size > (uint)span.Length)
            return 0;
        frame = new Frame(
            type,
            BinaryPrimitives.ReadUInt16BigEndian(span[6..]),
            input[dataOffset..(int)size]);
        return (int)size;
    }

    /// <summary>
    /// How many bytes must be contiguous for the next <see cref="Read"/> to make progress, given the first bytes.
    /// </summary>
    public static int BytesNeeded(ReadOnlySpan<byte> head, uint frameSizeBytesMax)
    {
        if (head.Length < HeaderSize)
            return HeaderSize;
        var size = BinaryPrimitives.ReadUInt32BigEndian(head);
        return size < HeaderSize || size > frameSizeBytesMax ? HeaderSize : (int)size;
    }

    private static AmqpException FramingError(string message) =>
        new(ErrorScope.Connection, ErrorCondition.FramingError, message);
}
