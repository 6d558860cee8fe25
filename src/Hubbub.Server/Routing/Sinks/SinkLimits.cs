namespace Hubbub.Server.Routing.Sinks;

/// <summary>The bounds on what a webhook's server may cost, each with its reason.</summary>
internal static class SinkLimits
{
    /// <summary>Of an answer's headers only the status and Retry-After are looked at.</summary>
    public const int ResponseHeaderKilobytesMax = 16;

    /// <summary>More of an answer than this is not waited for: nobody reads it.</summary>
    public const int ResponseBytesMax = 64 * 1024;

    /// <summary>How long the rest of an answer may take, so that the connection can be used again.</summary>
    public static readonly TimeSpan ResponseDrainTime = TimeSpan.FromSeconds(2);

    /// <summary>One of several addresses that never answers must not take the time of the others.</summary>
    public static readonly TimeSpan AddressTimeout = TimeSpan.FromSeconds(5);

    /// <summary>A name's address may change; a connection that is never closed would not notice.</summary>
    public static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);
}
