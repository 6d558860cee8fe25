namespace Hubbub.Server.Http;

/// <summary>The bounds on requests of the HTTPS service, each with its reason.</summary>
internal static class ApiLimits
{
    /// <summary>
    /// A body: 100 devices with everything that they may have; the service's own limit is this.
    /// </summary>
    public const int BodyBytesMax = 1024 * 1024;

    /// <summary>Deep enough for every body, shallow enough for any stack.</summary>
    public const int JsonDepthMax = 32;

    /// <summary>Identities in one request: the service's documented maximum.</summary>
    public const int BulkMax = 100;

    /// <summary>Rows in a page of a query that does not say how many.</summary>
    public const int QueryPageDefault = 100;

    /// <summary>Rows in a page at most: what the command line of the original asks for.</summary>
    public const int QueryPageMax = 1000;

    /// <summary>
    /// Queries that look at every identity, at a time: each keeps a core busy, with a million of them for seconds, and
    /// devices must not wait for it.
    /// </summary>
    public static int ScansMax => Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Such queries that wait for their turn; behind them a client would give up before it came.</summary>
    public const int ScansWaitingMax = 32;

    /// <summary>
    /// What a client that was throttled is asked to wait, s: about what a scan of many identities takes.
    /// </summary>
    public const int RetryAfterSeconds = 2;

    /// <summary>Segments of a path; the longest served one has four.</summary>
    public const int PathSegmentsMax = 16;

    /// <summary>
    /// Bytes of a line of an import: a device with its twin, whose three parts have 32 KB at most and metadata as much
    /// again.
    /// </summary>
    public const int ImportLineBytesMax = 512 * 1024;

    /// <summary>
    /// Lines in one transaction of an import: the sync is hidden, and a request in between waits little.
    /// </summary>
    public const int ImportBatchLines = 2_000;

    /// <summary>
    /// Refused lines that an import lists; a client that does not read them yet must not cost more memory.
    /// </summary>
    public const int ImportErrorsListedMax = 10_000;

    /// <summary>Imports at a time: each holds two batches in memory, and more would not be faster.</summary>
    public const int ImportsMax = 4;

    /// <summary>
    /// Stored events on which one request tries routes: enough to see what they do, and milliseconds.
    /// </summary>
    public const int TrialEventsMax = 100;

    /// <summary>Devices between two flushes of an export.</summary>
    public const int ExportPage = 500;
}
