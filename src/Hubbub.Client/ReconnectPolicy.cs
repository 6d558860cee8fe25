namespace Hubbub.Client;

/// <summary>
/// What a client does when its connection, its session or a link is lost, or cannot be made for a passing reason: it
/// tries again after a random time between nothing and a bound that doubles up to <see cref="MaxDelay"/> ("full
/// jitter"), so that the devices of a hub that comes back do not all come at once.
/// </summary>
public sealed record ReconnectPolicy
{
    /// <summary>Tries again for as long as somebody waits for it. The default.</summary>
    public static ReconnectPolicy Default { get; } = new();

    /// <summary>Does not try again: what is under way fails, and the next call connects.</summary>
    public static ReconnectPolicy None { get; } = new() { IsEnabled = false };

    /// <summary>False for <see cref="None"/>.</summary>
    public bool IsEnabled { get; private init; } = true;

    /// <summary>The bound of the first wait.</summary>
    public TimeSpan InitialDelay { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The bound that no wait exceeds.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);
}
