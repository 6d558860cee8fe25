using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Framing;

/// <summary>Opens and closes frames in a buffer; the size is patched in when the frame is complete.</summary>
public static class FrameWriter
{
    /// <summary>Starts a frame.</summary>
    /// <returns>Where it starts, for <see cref="End"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Begin(ByteBuffer buffer, byte type, ushort channel)
    {
        var start = buffer.Length;
        var span = buffer.GetSpan(FrameReader.HeaderSize);
        // AMQP 2.3.1: size (patched by End), data offset 2, type, channel.
        BinaryPrimitives.WriteUInt64BigEndian(span, ((ulong)2 << 24) | ((ulong)type << 16) | channel);
        buffer.Advance(FrameReader.HeaderSize);
        return start;
    }

    /// <summary>Completes the frame that starts at <paramref name="start"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(ByteBuffer buffer, int start) =>
        BinaryPrimitives.WriteInt32BigEndian(buffer.WrittenSpan[start..], buffer.Length - start);

    /// <summary>Writes an empty frame: the heartbeat of AMQP 2.4.5.</summary>
    public static void Heartbeat(ByteBuffer buffer) => End(buffer, Begin(buffer, FrameType.Amqp, 0));
}
