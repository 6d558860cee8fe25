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
        // By way of the redirect, or at once.
        var to = Random.Next(2) == 0 ? hub.ConnectionStringOf("service") : hub.EmulatorString();
        var options = Through(proxy, new EventReaderOptions { Prefetch = Random.Next(1, 500) }, to);
        await using var reader = EventReader.CreateFromConnectionString(to, options);
        var next = last.Keys.ToDictionary(id => id, _ => 0L);

        await InTimeAsync($"HUBBUB_SEED={Seed} ({schedule.Description})", RunTimeout, async () =>
        {
            while (IsBehind(next, last))
            {
                try
                {
                    await ReadAsync(reader, next, last, schedule.Description);
                }
                catch (HubbubException e) when (IsOfFaults(e))
                {
                    // A call has its time-out, and a token may run out before it is shown: then the caller asks again.
                }
            }
            return true;
        });
    }

    /// <summary>Reads from the beginning, of which an earlier subscription may have given some.</summary>
    private async Task ReadAsync(
        EventReader reader, Dictionary<string, long> next, IReadOnlyDictionary<string, long> last, string faults)
    {
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, [.. next.Keys], Some.Patience);
        var at = next.Keys.ToDictionary(id => id, _ => 0L);
        await foreach (var received in subscription.WithCancellation(Some.Patience))
        {
            var id = received.PartitionId;
            Assert.True(
                received.SequenceNumber == at[id],
                $"HUBBUB_SEED={Seed} ({faults}): {received}, expected {at[id]}");
            next[id] = Math.Max(next[id], ++at[id]);
            if (!IsBehind(next, last))
                return;
        }
    }

    private static bool IsBehind(Dictionary<string, long> next, IReadOnlyDictionary<string, long> last)
    {
        foreach (var (id, number) in last)
        {
            if (next[id] <= number)
                return true;
        }
        return false;
    }
}
