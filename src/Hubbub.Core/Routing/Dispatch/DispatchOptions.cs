namespace Hubbub.Core.Routing.Dispatch;

/// <summary>How an endpoint's events are gathered into batches, and how often they are tried again.</summary>
public sealed record DispatchOptions
{
    /// <summary>Events in one delivery.</summary>
    public int BatchCountMax { get; init; } = 500;

    /// <summary>Stored bytes in one delivery; a single larger event goes alone.</summary>
    public int BatchBytesMax { get; init; } = 256 * 1024;

    /// <summary>How long the first event of a batch waits for more.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// The wait after the first failure is between nothing and this; it doubles with each further failure.
    /// </summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>No wait between two attempts is longer, except where the other side asks for it.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the other side's wish for a pause (Retry-After) is respected at most.</summary>
    public TimeSpan RetryAfterMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>An event older than this, whose delivery failed, is put aside as a dead letter.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How often one event may be refused before it is put aside as a dead letter.</summary>
    public int RefusalsMax { get; init; } = 3;

    /// <summary>An endpoint that has failed for so long without a success is called dead; it is still tried.</summary>
    public TimeSpan DeadAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the position is stored at most; what is repeated after a crash is what came since.</summary>
    public TimeSpan SaveInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The first thing that is wrong, as a sentence with its remedy; null when nothing is.</summary>
    public string? Validate()
    {
        if (BatchCountMax is < 1 or > DispatchLimits.BatchCountMax)
            return $"A batch may have 1 to {DispatchLimits.BatchCountMax} events, not {BatchCountMax}.";
        if (BatchBytesMax is < 1024 or > DispatchLimits.BatchBytesMax)
            return $"A batch may have 1024 to {DispatchLimits.BatchBytesMax} bytes, not {BatchBytesMax}.";
        if (Linger < TimeSpan.Zero || Linger > TimeSpan.FromMinutes(12))
            return "A batch may wait 0 seconds to 12 minutes for more events.";
        if (RetryDelay < TimeSpan.FromMilliseconds(1) || RetryDelayMax < RetryDelay
            || RetryDelayMax > TimeSpan.FromHours(1))
            return "The wait between two attempts must be 1 millisecond to 1 hour, "
                + "the first no longer than the longest.";
        if (RetryAfterMax < TimeSpan.Zero || RetryAfterMax > TimeSpan.FromDays(1))
            return "The pause that the other side may ask for must be 0 seconds to 1 day.";
        if (MaxAge < TimeSpan.FromMinutes(1) || MaxAge > TimeSpan.FromDays(30))
            return "The age at which an event is given up must be 1 minute to 30 days.";
        if (RefusalsMax is < 1 or > 100)
            return $"An event may be refused 1 to 100 times before it is put aside, not {RefusalsMax}.";
        if (DeadAfter <= TimeSpan.Zero || SaveInterval < TimeSpan.Zero || SaveInterval > TimeSpan.FromMinutes(1))
            return "The position must be stored every 0 to 60 seconds; an endpoint must fail for a while to be dead.";
        return null;
    }
}
