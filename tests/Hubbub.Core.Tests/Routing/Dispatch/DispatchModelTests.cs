using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Core.Tests.Routing.Dispatch;

/// <summary>
/// Endpoints that deliver parts, fail, refuse some events and are cut off with a position that was not stored, at
/// random. Run one seed again with HUBBUB_SEED=n.
/// </summary>
public sealed class DispatchModelTests
{
    private const int Events = 120;

    private static readonly int? OnlySeed =
        int.TryParse(Environment.GetEnvironmentVariable("HUBBUB_SEED"), out var seed) ? seed : null;

    [Fact]
    public async Task Endpoint_ThatFailsAtRandomThroughManyLives_GetsEveryEventInOrder()
    {
        for (var seed = OnlySeed ?? 1; seed < (OnlySeed + 1 ?? 150); seed++)
        {
            try
            {
                await LiveAsync(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"HUBBUB_SEED={seed}: {e.Message}", e);
            }
        }
    }

    private static async Task LiveAsync(int seed)
    {
        var random = new Random(seed);
        var unwanted = Enumerable.Range(0, Events).Where(_ => random.Next(12) == 0).ToHashSet();
        var world = new DispatchWorld
        {
            Options = new DispatchOptions { BatchCountMax = random.Next(1, 40), Linger = TimeSpan.Zero },
        };
        var delivered = new List<int>();
        var lives = random.Next(1, 5);
        for (var life = 1; life <= lives; life++)
        {
            var end = Events * life / lives;
            world.Stream.AddUpTo(end, world.Clock.GetUtcNow());
            var before = world.Saved;
            var sink = new ScriptedSink((events, _) => Answer(random, events, unwanted));
            await using (var dispatcher = world.Start(sink))
            {
                var last = Enumerable.Range(0, end).Last(i => !unwanted.Contains(i));
                await sink.WhenAsync(() => sink.Delivered.Contains(last) || before?.SequenceNumber >= last);
            }
            delivered.AddRange(sink.Delivered);
            // Power cut: the last saves never came to the disk.
            if (random.Next(3) == 0)
                world.Saved = before;
        }
        var firsts = delivered.Distinct().ToArray();
        Assert.Equal(Enumerable.Range(0, Events).Where(i => !unwanted.Contains(i)), firsts);
        Assert.Subset(unwanted, world.DeadLetters.Select(static letter => letter.Event).ToHashSet());
        Assert.DoesNotContain(world.Heard, static heard => heard.StartsWith("fault", StringComparison.Ordinal));
    }

    private static SinkResult Answer(Random random, int[] events, HashSet<int> unwanted)
    {
        var at = Array.FindIndex(events, unwanted.Contains);
        switch (random.Next(6))
        {
            case 0:
                return SinkResult.Retry("away");
            case 1 when events.Length > 1:
                var part = random.Next(at < 0 ? events.Length : Math.Min(at + 1, events.Length));
                return SinkResult.Retry("away half-way", part);
            case 2 when at >= 0:
                return SinkResult.Refuse("unwanted", 1, at);
            default:
                return at < 0 ? SinkResult.Done(events.Length) : SinkResult.Refuse("unwanted", events.Length);
        }
    }
}
