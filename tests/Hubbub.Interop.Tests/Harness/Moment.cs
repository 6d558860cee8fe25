namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// Real time that is an input of a test: how long a load runs before the kill, how often a probe is sent. Never a wait
/// for an effect, which is awaited by itself.
/// </summary>
internal static class Moment
{
    public static async Task PassAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(time);
        await timer.WaitForNextTickAsync(cancellationToken);
    }
}
