namespace Hubbub.Client.Connections;

/// <summary>How long to wait before the next attempt: capped exponential, with full jitter.</summary>
internal sealed class Backoff(ClientOptions options)
{
    private int _failures;
    private long _succeededAt;
    private bool _hasSucceeded;

    /// <summary>It worked. Only what then lasts for a while makes the next wait short again.</summary>
    public void Succeeded() => (_succeededAt, _hasSucceeded) = (options.TimeProvider.GetTimestamp(), true);

    /// <summary>It failed, or was lost.</summary>
    /// <returns>How long to wait now.</returns>
    public TimeSpan NextDelay()
    {
        var policy = options.Reconnect;
        if (_hasSucceeded && options.TimeProvider.GetElapsedTime(_succeededAt) >= policy.MaxDelay)
            _failures = 0;
        _hasSucceeded = false;
        var bound = Math.Min(
            policy.InitialDelay.TotalMilliseconds * Math.Pow(2, _failures), policy.MaxDelay.TotalMilliseconds);
        if (bound < policy.MaxDelay.TotalMilliseconds)
            _failures++;
        return TimeSpan.FromMilliseconds(bound * options.Random.NextDouble());
    }

    /// <summary>Waits.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var delay = NextDelay();
        // Timers take whole milliseconds.
        return delay < TimeSpan.FromMilliseconds(1)
            ? Task.CompletedTask
            : Task.Delay(delay, options.TimeProvider, cancellationToken);
    }
}
