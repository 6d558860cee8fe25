namespace Hubbub.Amqp.Engine;

/// <summary>Every bound of the engine, with its default and its reason.</summary>
public sealed record AmqpLimits
{
    /// <summary>The defaults.</summary>
    public static AmqpLimits Default { get; } = new();

    /// <summary>max-frame-size offered, bytes: the size that the Azure family uses.</summary>
    public uint FrameSizeBytesMax { get; init; } = 65_536;

    /// <summary>
    /// Bytes in one SASL frame: a SAS token is at most 2 KiB, so 8 KiB leaves room and nothing to amplify.
    /// </summary>
    public uint SaslFrameSizeBytesMax { get; init; } = 8_192;

    /// <summary>SASL frames before the outcome: PLAIN needs one, challenges a few.</summary>
    public int SaslFramesMax { get; init; } = 8;

    /// <summary>Bytes of all SASL frames together: a stranger's share.</summary>
    public int SaslBytesMax { get; init; } = 32_768;

    /// <summary>channel-max offered. The C# SDK pools thousands of devices on a connection, a session each.</summary>
    public ushort ChannelMax { get; init; } = 8_191;

    /// <summary>handle-max offered: Node and C keep a thousand devices, several links each, in one session.</summary>
    public uint HandleMax { get; init; } = 4_095;

    /// <summary>Links on one connection, all sessions together; a gateway needs thousands, nobody needs more.</summary>
    public int LinksMax { get; init; } = 8_192;

    /// <summary>incoming-window, frames: enough for a flow round trip at full speed.</summary>
    public uint IncomingWindow { get; init; } = 5_000;

    /// <summary>Bytes in a link name; clients use some hundred at most.</summary>
    public int LinkNameBytesMax { get; init; } = 512;

    /// <summary>Characters in a container-id.</summary>
    public int ContainerIdCharsMax { get; init; } = 256;

    /// <summary>AMQP 2.8.7: a delivery-tag has at most 32 bytes.</summary>
    public int DeliveryTagBytesMax { get; init; } = 32;

    /// <summary>Transfers that one delivery may be split into; a 1 MiB message in frames of 1 KiB.</summary>
    public int TransfersPerDeliveryMax { get; init; } = 4_096;

    /// <summary>Unsettled deliveries that a session tracks in one direction, 32 bytes each.</summary>
    public int UnsettledMax { get; init; } = 65_536;

    /// <summary>Bytes in one message, whatever a link allows: IoT Hub announces 1 MiB on every link.</summary>
    public int MessageBytesMax { get; init; } = 1 << 20;

    /// <summary>
    /// Bytes of messages that have come in part, all links of a connection together. A peer sends the frames of a
    /// message in one go; one that begins a message on each of thousands of links wants our memory.
    /// </summary>
    public int PartialBytesMax { get; init; } = 16 << 20;

    /// <summary>
    /// Echo requests answered in a second; more are answered together (one flow tells the whole state).
    /// </summary>
    public int EchoesPerSecondMax { get; init; } = 100;

    /// <summary>Heartbeats taken in a second; more is a flood, for one in some seconds does.</summary>
    public int EmptyFramesPerSecondMax { get; init; } = 1_000;

    /// <summary>idle-time-out announced, ms; a peer that is silent for twice as long is cut (AMQP 2.4.5).</summary>
    public uint IdleTimeoutMs { get; init; } = 120_000;

    /// <summary>Smallest idle-time-out taken from a peer, ms: below it heartbeats would be the traffic.</summary>
    public uint RemoteIdleTimeoutMinMs { get; init; } = 1_000;

    /// <summary>From connect to open, ms, whatever trickles in.</summary>
    public long OpenDeadlineMs { get; init; } = 20_000;

    /// <summary>How long a peer may take to answer our close, ms.</summary>
    public long CloseLingerMs { get; init; } = 5_000;

    /// <summary>Bytes waiting for the peer at which nothing more is read from it.</summary>
    public int OutputBytesMax { get; init; } = 1 << 20;

    /// <summary>How long one write may make no progress, ms, until the connection is cut.</summary>
    public long WriteStallMs { get; init; } = 30_000;
}
