namespace Hubbub.Core.Routing.Dispatch;

/// <summary>
/// How long to wait after a failure: between nothing and a bound that doubles with each failure in a row, evenly
/// distributed, so that what failed together does not come back together.
/// </summary>
internal sealed class RetryPace(DispatchOptions options, Random random)
{
    private const int DoublingsMax = 30;

    /// <summary>Failures in a row.</summary>
    public int Failures { get; private set; }

    public void Succeeded() => Failures = 0;

    /// <summary>Counts a failure and says how long to wait.</summary>
    /// <param name="retryAfter">What the other side asks for.</param>
    public TimeSpan Failed(TimeSpan? retryAfter = null)
    {
        var most = Math.Min(
            options.RetryDelayMax.TotalMilliseconds,
            options.RetryDelay.TotalMilliseconds * (1L << Math.Min(Failures, DoublingsMax)));
        Failures++;
#pragma warning disable CA5394 // Spread, not secrecy.
        var wait = TimeSpan.FromMilliseconds(random.NextDouble() * most);
#pragma warning restore CA5394
        if (retryAfter is not { } asked)
            return wait;
        var respected = asked < options.RetryAfterMax ? asked : options.RetryAfterMax;
        return respected > wait ? respected : wait;
    }
}
