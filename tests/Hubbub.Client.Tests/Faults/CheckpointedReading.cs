namespace Hubbub.Client.Tests.Faults;

/// <summary>
/// Reads a hub's events by one reader behind the other, each from where the checkpoints of the one before stand: no
/// event is left out, and what is seen again lies behind a checkpoint.
/// </summary>
internal sealed class CheckpointedReading(
    string connectionString, EventReaderOptions options, int seed, Func<HubbubException, bool> isOfFaults, string why)
{
    private readonly Random _random = new(seed);
    private readonly EventPosition _from =
        EventPosition.FromEnqueuedTime(TimeProvider.System.GetUtcNow() - TimeSpan.FromSeconds(1));

    private readonly Dictionary<string, long> _first = [];
    private readonly Dictionary<string, long> _checkpoints = [];
    private readonly HashSet<(string Partition, long Number)> _seen = [];
    private readonly List<string> _ids = [];

    /// <summary>Reads until an event with this message-id comes; gives the ids of all events, each event once.</summary>
    public async Task<IReadOnlyList<string>> ReadUntilAsync(string last)
    {
        while (true)
        {
            try
            {
                if (await ReadAsync(last, _random.Next(1, 150)))
                    return _ids;
            }
            catch (HubbubException e)
            {
                Assert.True(isOfFaults(e), $"{why}: {e}");
            }
        }
    }

    /// <summary>The life of one reader.</summary>
    private async Task<bool> ReadAsync(string last, int count)
    {
        await using var reader = EventReader.CreateFromConnectionString(connectionString, options);
        var next = new Dictionary<string, long>();
        await foreach (var received in reader.ReadAsync(_from, Some.Patience))
        {
            var (id, number) = (received.PartitionId, received.SequenceNumber);
            var expected = next.TryGetValue(id, out var following) ? following : StartOf(id, number);
            Assert.True(number == expected, $"{received}, expected {expected}. {why}");
            next[id] = number + 1;
            if (_seen.Add((id, number)))
                _ids.Add(received.MessageId!);
            if (received.MessageId == last)
                return true;
            if (_random.Next(8) == 0)
            {
                await reader.CheckpointAsync(received, Some.Patience);
                _checkpoints[id] = number;
            }
            if (--count == 0)
                break;
        }
        return false;
    }

    private long StartOf(string partition, long number)
    {
        if (_checkpoints.TryGetValue(partition, out var checkpoint))
            return checkpoint + 1;
        _first.TryAdd(partition, number);
        return _first[partition];
    }
}
