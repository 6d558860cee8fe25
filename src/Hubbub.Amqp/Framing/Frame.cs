namespace Hubbub.Amqp.Framing;

/// <summary>One frame as read from the wire (AMQP 2.3). <paramref name="Body"/> slices the input.</summary>
/// <param name="Type">0 = AMQP, 1 = SASL.</param>
/// <param name="Channel">The session's channel; meaningless for SASL frames.</param>
/// <param name="Body">Performative and payload; empty for a heartbeat.</param>
public readonly record struct Frame(byte Type, ushort Channel, ReadOnlyMemory<byte> Body);

/// <summary>Values of <see cref="Frame.Type"/>.</summary>
public static class FrameType
{
    /// <summary>An AMQP frame.</summary>
    public const byte Amqp = 0;

    /// <summary>A SASL frame (AMQP 5.3.1).</summary>
    public const byte Sasl = 1;
}
