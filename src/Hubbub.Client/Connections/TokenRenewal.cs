namespace Hubbub.Client.Connections;

/// <summary>When a token is renewed: a while before it expires, and again soon when that failed.</summary>
internal static class TokenRenewal
{
    /// <summary>The part of a token's life after which it is renewed, as Azure's own devices do it.</summary>
    private const double DueAfter = 0.85;

    private static readonly TimeSpan WaitMin = TimeSpan.FromSeconds(1);

    // Timers take some weeks at most; to renew earlier than need be does no harm.
    private static readonly TimeSpan WaitMax = TimeSpan.FromDays(30);

    /// <summary>The wait after a renewal that failed.</summary>
    public static TimeSpan RetryAfter { get; } = TimeSpan.FromSeconds(30);

    /// <summary>When a token is to be renewed that is put now and holds until this time.</summary>
    public static DateTimeOffset DueAt(DateTimeOffset expiresAt, TimeProvider time)
    {
        var now = time.GetUtcNow();
        var wait = (expiresAt - now) * DueAfter;
        return now + (wait < WaitMin ? WaitMin : wait > WaitMax ? WaitMax : wait);
    }

    /// <summary>How long to wait until then.</summary>
    public static TimeSpan WaitUntil(DateTimeOffset dueAt, TimeProvider time)
    {
        var wait = dueAt - time.GetUtcNow();
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
