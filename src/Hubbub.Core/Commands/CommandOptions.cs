namespace Hubbub.Core.Commands;

/// <summary>
/// What an operator may set about commands and feedback. The defaults are the service's, but for feedback at once.
/// </summary>
public sealed record CommandOptions
{
    /// <summary>Pending commands of one device or module; null: no bound.</summary>
    public int? QueueDepthMax { get; init; } = CommandLimits.QueueDepthDefault;

    /// <summary>How long a command lives when its sender does not say.</summary>
    public TimeSpan TimeToLive { get; init; } = CommandLimits.TimeToLiveDefault;

    /// <summary>How long a delivered command is its receiver's alone.</summary>
    public TimeSpan LockDuration { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often a command is delivered at most.</summary>
    public int DeliveryCountMax { get; init; } = 10;

    /// <summary>True: a lock that runs out counts as a delivery, as it did in the service before 2026.</summary>
    public bool CountsLockExpiry { get; init; }

    /// <summary>How long a feedback record lives.</summary>
    public TimeSpan FeedbackTimeToLive { get; init; } = CommandLimits.TimeToLiveDefault;

    /// <summary>How long a delivered feedback message is its receiver's alone.</summary>
    public TimeSpan FeedbackLockDuration { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a feedback message is delivered at most.</summary>
    public int FeedbackDeliveryCountMax { get; init; } = 10;

    /// <summary>
    /// How long feedback waits for more of it before it is handed over, unless 64 records have come. Zero: not at all;
    /// 15 seconds is what the service does.
    /// </summary>
    public TimeSpan FeedbackBatchWait { get; init; } = TimeSpan.Zero;

    /// <summary>The first thing that is wrong, as a sentence with its remedy; null when nothing is.</summary>
    public string? Validate()
    {
        if (QueueDepthMax < 1)
            return $"The depth of command queues must be 1 or more, not {QueueDepthMax}.";
        if (!IsTimeToLive(TimeToLive) || !IsTimeToLive(FeedbackTimeToLive))
            return "The time to live of commands and of feedback must be 1 minute to 2 days.";
        if (!IsLock(LockDuration) || !IsLock(FeedbackLockDuration))
            return "The lock of commands and of feedback must be 5 seconds to 5 minutes.";
        if (!IsCount(DeliveryCountMax) || !IsCount(FeedbackDeliveryCountMax))
        {
            return "The maximum delivery count of commands and of feedback must be 1 to "
                + $"{CommandLimits.DeliveryCountMax}.";
        }
        if (FeedbackBatchWait < TimeSpan.Zero || FeedbackBatchWait > TimeSpan.FromMinutes(5))
            return "Feedback may wait 0 seconds to 5 minutes for more of it.";
        return null;
    }

    private static bool IsTimeToLive(TimeSpan value) =>
        value >= CommandLimits.TimeToLiveMin && value <= CommandLimits.TimeToLiveMax;

    private static bool IsLock(TimeSpan value) => value >= TimeSpan.FromSeconds(5) && value <= TimeSpan.FromMinutes(5);

    private static bool IsCount(int value) => value is >= 1 and <= CommandLimits.DeliveryCountMax;
}
