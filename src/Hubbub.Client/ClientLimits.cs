namespace Hubbub.Client;

/// <summary>Every bound of the client, with its reason.</summary>
internal static class ClientLimits
{
    /// <summary>
    /// Bytes of a message or a batch that an IoT hub takes (amqp.md 3.5: rejected above). Compared with the encoded
    /// size, which is never smaller than what the hub counts.
    /// </summary>
    public const int MessageBytesMax = 262_144;

    /// <summary>Messages in one batch (Azure's quota page).</summary>
    public const int BatchMessagesMax = 500;

    /// <summary>Encoded bytes waiting for their outcome on one link; more sends wait in line.</summary>
    public const long PendingBytesMax = 64L << 20;

    /// <summary>A pooled send keeps a buffer of at most this size, bytes: telemetry is small.</summary>
    public const int PooledBufferBytesMax = 4_096;

    /// <summary>Events asked for before the reader knows how large they are.</summary>
    public const uint CreditInitial = 256;

    /// <summary>Events asked for at most: two milliseconds of a server that sends two million a second.</summary>
    public const uint CreditMax = 4_096;

    /// <summary>Bytes that one partition's credit may bring in; large events get less credit.</summary>
    public const long CreditBytes = 16L << 20;

    /// <summary>First chunk of received events, bytes; chunks double while the reader lags.</summary>
    public const int ChunkBytesMin = 2_048;

    /// <summary>
    /// Largest chunk, bytes: below the large object heap, and the grain of fairness between partitions.
    /// </summary>
    public const int ChunkBytesMax = 64 << 10;

    /// <summary>Partitions that a hub may claim to have; Azure's largest has 2000.</summary>
    public const int PartitionsMax = 2_048;

    /// <summary>Requests under way to one management node; more is a bug of the caller.</summary>
    public const int RequestsMax = 1_024;

    /// <summary>Credit for answers of a management node.</summary>
    public const uint RequestCredit = 50;

    /// <summary>Changes of commands that may be under way: they are small, and a busy device has many.</summary>
    public const uint CommandChangesCredit = 1_000;

    /// <summary>Messages of feedback under way, each with up to 64 records and locked for a minute.</summary>
    public const uint FeedbackCredit = 10;

    /// <summary>Messages of feedback that the waits for single records hold back from others at most.</summary>
    public const int FeedbackHeldMax = 1_000;

    /// <summary>
    /// Records that waits have taken out of messages which went back, so that these are completed when the rest is
    /// taken too; a message that outlives its memory is given out until its time to live is over.
    /// </summary>
    public const int FeedbackRemembered = 10_000;

    /// <summary>
    /// Changes of a connection's state that wait for a handler which is slow; older ones are left out.
    /// </summary>
    public const int StateChangesMax = 16;

    /// <summary>Bytes of an HTTP proxy's answer to CONNECT, headers included.</summary>
    public const int ProxyHeadBytesMax = 16_384;

    /// <summary>Characters of a connection string; a longer text is something else.</summary>
    public const int ConnectionStringCharsMax = 8_192;
}
