namespace Hubbub.Client.Tests.Faults;

/// <summary>A reader reads all that the hub has while its connections fail: each event once, in order.</summary>
internal sealed class ReaderRun(int seed) : FaultRun(seed)
{
    /// <summary>Enough that no fault of the schedule is beyond what is read.</summary>
    private const int ConnectionsMax = 5;

    /// <param name="hub">The hub.</param>
    /// <param name="last">The last sequence number of each partition; partitions that are empty are left out.</param>
    public async Task RunAsync(RealHub hub, IReadOnlyDictionary<string, long> last)
    {
        var schedule = new FaultSchedule(Random, ConnectionsMax);
        await using var proxy = new FaultProxy(hub.PlainPort, schedule.Next);
        var options = Through(proxy, new EventReaderOptions { Prefetch = Random.Next(1, 500) });
        // By way of the redirect, or at once.
        var to = Random.Next(2) == 0 ? hub.ConnectionStringOf("service") : hub.EmulatorString();
        await using var reader = EventReader.CreateFromConnectionString(to, options);
        var next = last.Keys.ToDictionary(id => id, _ => 0L);
        var left = last.Values.Sum(number => number + 1);

        await InTimeAsync($"HUBBUB_SEED={Seed} ({schedule.Description})", async () =>
        {
            await using var subscription = await SubscribeAsync(reader, [.. last.Keys]);
            await foreach (var received in subscription.WithCancellation(Some.Patience))
            {
                Assert.True(
                    received.SequenceNumber == next[received.PartitionId],
                    $"HUBBUB_SEED={Seed} ({schedule.Description}): {received}, expected {next[received.PartitionId]}");
                next[received.PartitionId]++;
                if (--left == 0)
                    break;
            }
            return true;
        });
    }

    // A call has its time-out, which a schedule may use up; then the caller asks again.
    private static async Task<EventSubscription> SubscribeAsync(EventReader reader, string[] partitions)
    {
        while (true)
        {
            try
            {
                return await reader.SubscribeAsync(EventPosition.Start, partitions, Some.Patience);
            }
            catch (HubbubException e) when (e.IsTransient)
            {
                // Once more.
            }
        }
    }
}
