namespace Hubbub.Server.Amqp;

/// <summary>Every bound of the AMQP endpoints, with its reason.</summary>
internal static class HubAmqpLimits
{
    /// <summary>
    /// max-message-size of every link, bytes: what the original announces (its C SDK computes with it).
    /// </summary>
    public const ulong MessageSizeBytesMax = 1_048_576;

    /// <summary>Telemetry deliveries that a device may have unconfirmed; covers a sync at full speed.</summary>
    public const uint TelemetryCredit = 2_000;

    /// <summary>
    /// Commands, or a device's outcomes, that a link may have unconfirmed; many links share the store's queue.
    /// </summary>
    public const uint CommandCredit = 100;

    /// <summary>Requests under way at a node; what the original grants on $cbs.</summary>
    public const uint RequestCredit = 100;

    /// <summary>Replies that may wait for a client's credit; a client that never takes them is cut off.</summary>
    public const int RepliesWaitingMax = 256;

    /// <summary>Links of a connection that has proven nothing: two nodes with two links each, and slack.</summary>
    public const int LinksMaxUnauthenticated = 8;

    /// <summary>Connections that have proven nothing, in all: 64 KiB each is what a stranger may cost.</summary>
    public const int UnprovenMax = 2_000;

    /// <summary>
    /// Connections that have proven nothing, from one address (IPv6: one network of 64 bits). A plant behind one
    /// address reconnects at once after a power cut, so it is hundreds, not dozens.
    /// </summary>
    public const int UnprovenPerAddressMax = 1_000;

    /// <summary>
    /// Failed put-tokens after which a connection is closed, less one for each pause; some clients retry without any.
    /// </summary>
    public const int FailedTokensMax = 16;

    /// <summary>
    /// Refused links and events of one connection that get a log line each; behind them only every power of two does.
    /// </summary>
    public const int RefusalsLoggedMax = 128;

    /// <summary>Identities proven on one connection, as documented (403005).</summary>
    public const int ClaimsMax = 1_000;

    /// <summary>Characters of a model id (DTMI), as the model language allows; a longer one is none.</summary>
    public const int ModelIdCharsMax = 2_048;

    /// <summary>Characters of an error's description, and of a peer's text in a log line.</summary>
    public const int DescriptionCharsMax = 1_024;

    /// <summary>Readers without epoch on one partition and group, as documented.</summary>
    public const int ReadersPerPartitionMax = 5;
}
