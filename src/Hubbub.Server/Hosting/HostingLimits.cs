namespace Hubbub.Server.Hosting;

/// <summary>Every bound of the listeners, with its reason.</summary>
public static class HostingLimits
{
    /// <summary>Names in one certificate; keeps the handshake within a few packets.</summary>
    public const int HostNamesMax = 32;

    /// <summary>More than Event Hubs' own 32, and few enough files to keep open.</summary>
    public const int PartitionsMax = 128;

    /// <summary>Less would be gone before a reader that restarts is back.</summary>
    public const long RetentionBytesMin = 16 << 20;

    /// <summary>About 60 KiB each with TLS: half a gibibyte at most, and within a usual limit of open files.</summary>
    public const int ConnectionsMax = 10_000;

    /// <summary>
    /// TLS handshakes in progress; beyond it the oldest is dropped, so that stalled ones cannot keep others out.
    /// </summary>
    public const int HandshakesMax = 2_000;

    /// <summary>From TCP accept to the end of the TLS handshake.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Connections that the kernel holds for us: a whole fleet reconnects at the same time.</summary>
    public const int ListenBacklog = 4_096;

    /// <summary>Bytes read ahead of a connection's consumer: two AMQP frames of 64 KiB.</summary>
    public const int ReadBufferBytesMax = 128 << 10;

    /// <summary>Bytes handed to a connection's socket before its writer waits.</summary>
    public const int WriteBufferBytesMax = 128 << 10;

    /// <summary>A block of a socket's memory, bytes: a TLS record of 16 KiB and its frame, in whole pages.</summary>
    public const int TransportBlockBytes = 20 << 10;

    /// <summary>Blocks that one of Kestrel's queues keeps for the next read or write: 20 MiB.</summary>
    public const int TransportBlocksKept = 1_024;

    /// <summary>Request headers; a token of 2 KiB fits many times.</summary>
    public const int RequestHeadersBytesMax = 32 << 10;

    /// <summary>How long an HTTP connection may wait for its next request.</summary>
    public static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromSeconds(60);

    /// <summary>How long a peer may take to answer a WebSocket close.</summary>
    public static readonly TimeSpan WebSocketCloseTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Log lines that wait for a reader of standard error, about a megabyte; behind them lines are dropped.
    /// </summary>
    public const int LogLinesWaitingMax = 4_096;

    /// <summary>How long a stop waits for connections to end by themselves.</summary>
    public static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(8);

    /// <summary>How often the certificate's files are looked at.</summary>
    public static readonly TimeSpan CertificateCheckInterval = TimeSpan.FromSeconds(5);

    /// <summary>How long a TLS session can be resumed: what OpenSSL writes into its tickets.</summary>
    public static readonly TimeSpan TlsSessionLife = TimeSpan.FromHours(2);

    /// <summary>A certificate file beyond this is refused unread.</summary>
    public const long CertificateFileBytesMax = 256 << 10;
}
