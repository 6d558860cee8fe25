using Hubbub.Client.Connections;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Client.Tests;

/// <summary>Waits between attempts: doubling, capped, and random below that.</summary>
public sealed class BackoffTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Delays_DoubleUpToTheirCap_AndAreSpreadOverAllBelow()
    {
        var bounds = new double[8];
        var lows = 0;
        for (var seed = 0; seed < 2_000; seed++)
        {
            var backoff = new Backoff(Options(seed));
            for (var i = 0; i < bounds.Length; i++)
            {
                var delay = backoff.NextDelay().TotalSeconds;
                bounds[i] = Math.Max(bounds[i], delay);
                if (i == 7 && delay < 4)
                    lows++;
            }
        }

        double[] expected = [1, 2, 4, 8, 16, 16, 16, 16];
        for (var i = 0; i < bounds.Length; i++)
            Assert.InRange(bounds[i], expected[i] * 0.95, expected[i]);
        // Full jitter: a quarter of the waits lies in the lowest quarter.
        Assert.InRange(lows, 400, 600);
    }

    [Fact]
    public void Success_ThatLasts_MakesTheNextWaitShortAgain_OneThatDoesNotDoesNot()
    {
        var backoff = new Backoff(Options(1) with { Random = new Highest() });
        for (var i = 0; i < 10; i++)
            backoff.NextDelay();

        backoff.Succeeded();
        _time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(16, backoff.NextDelay().TotalSeconds, 3);

        backoff.Succeeded();
        _time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal(1, backoff.NextDelay().TotalSeconds, 3);
    }

    private DeviceClientOptions Options(int seed) => new()
    {
        TimeProvider = _time,
        Random = new Random(seed),
        Reconnect = new() { InitialDelay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(16) },
    };

    private sealed class Highest : Random
    {
        public override double NextDouble() => 1;
    }
}
