namespace Hubbub.Amqp.Framing;

/// <summary>The eight bytes that open each layer of a connection (AMQP 2.2): "AMQP", protocol id, 1, 0, 0.</summary>
public static class ProtocolHeader
{
    /// <summary>Bytes in a header.</summary>
    public const int Size = 8;

    /// <summary>Protocol id 0: plain AMQP.</summary>
    public static ReadOnlySpan<byte> Amqp => [(byte)'A', (byte)'M', (byte)'Q', (byte)'P', 0, 1, 0, 0];

    /// <summary>Protocol id 3: the SASL security layer (AMQP 5.3.1).</summary>
    public static ReadOnlySpan<byte> Sasl => [(byte)'A', (byte)'M', (byte)'Q', (byte)'P', 3, 1, 0, 0];
}
