namespace Hubbub.Core.Commands;

/// <summary>The bounds on commands and feedback, each with its reason.</summary>
public static class CommandLimits
{
    /// <summary>Bytes of one command, counted without its encoding: the service's documented maximum.</summary>
    public const int SizeBytesMax = 65_536;

    /// <summary>
    /// Pending commands of one device or module: the service's documented maximum, and the default here.
    /// </summary>
    public const int QueueDepthDefault = 50;

    /// <summary>How long a command lives when its sender does not say: the service's default.</summary>
    public static readonly TimeSpan TimeToLiveDefault = TimeSpan.FromHours(1);

    /// <summary>The longest that a command, or a feedback record, lives: the service's documented maximum.</summary>
    public static readonly TimeSpan TimeToLiveMax = TimeSpan.FromDays(2);

    /// <summary>The shortest default time to live: the service's documented minimum.</summary>
    public static readonly TimeSpan TimeToLiveMin = TimeSpan.FromMinutes(1);

    /// <summary>Deliveries of one command or feedback message: the service's documented maximum.</summary>
    public const int DeliveryCountMax = 100;

    /// <summary>Records in one feedback message, as documented.</summary>
    public const int FeedbackRecordsPerMessageMax = 64;

    /// <summary>
    /// Feedback records that may wait for a reader; beyond it the oldest are dropped. About 50 MB of memory, and at a
    /// hundred commands a second more than half an hour without a reader.
    /// </summary>
    public const int FeedbackRecordsMax = 250_000;

    /// <summary>Characters of a message-id; the service documents 128, clients' own ids may be longer.</summary>
    public const int MessageIdCharsMax = 1_024;

    /// <summary>Commands given to a receiver at a time, so that one device does not hold up its connection.</summary>
    public const int ReceiveMax = 64;

    /// <summary>
    /// Bytes of payloads kept in memory until their delivery. What is beyond it is read back from the store, so that
    /// memory does not grow with what devices leave unfetched.
    /// </summary>
    public const long PayloadBytesMax = 16 << 20;

    /// <summary>Outcomes written in one transaction when many commands end at a time.</summary>
    public const int OutcomesPerWriteMax = 512;

    /// <summary>Coarseness of expiry and lock times: what is due takes effect at most this much later.</summary>
    public const int DeadlineGranularityMs = 250;

    /// <summary>Links that watch the commands of one identity: each change is told to every one of them.</summary>
    public const int WatchersMax = 100;

    /// <summary>
    /// Changes that wait for one watcher's credit; beyond it the oldest are dropped and counted. A queue of the
    /// default depth may change twenty times over before a watcher that does not read loses anything.
    /// </summary>
    public const int WatchedEventsMax = 1_024;

    /// <summary>How long an outcome that could not be stored waits for the next attempt.</summary>
    public const int RetryMs = 1_000;
}
