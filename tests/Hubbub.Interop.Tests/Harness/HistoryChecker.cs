using System.Collections.Concurrent;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// Judges a history of sends, acknowledgements and reads: nothing accepted may be missing, nothing may be there twice,
/// out of order or invented, and every partition's sequence numbers are dense from 0. Devices number their events
/// 0, 1, 2... and never send a number again.
/// </summary>
internal sealed class HistoryChecker
{
    private readonly ConcurrentDictionary<string, DeviceHistory> _devices = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private long _acceptedCount;
    private (long Count, TaskCompletionSource Reached)? _awaited;

    public long AcceptedCount => Volatile.Read(ref _acceptedCount);

    /// <summary>The message ids of all events that were accepted: device, slash, number.</summary>
    public IEnumerable<string> AcceptedIds =>
        _devices.SelectMany(device => device.Value.AcceptedNumbers().Select(number => $"{device.Key}/{number}"));

    /// <summary>The number of the device's next event, which from now on counts as sent.</summary>
    public int Send(string device) => History(device).Send();

    public void Accepted(string device, int number)
    {
        History(device).Accept(number);
        lock (_gate)
        {
            _acceptedCount++;
            if (_awaited is { } awaited && _acceptedCount >= awaited.Count) awaited.Reached.TrySetResult();
        }
    }

    /// <summary>Completes when so many more events have been accepted; one waits at a time.</summary>
    public Task WhenAcceptedAsync(int more)
    {
        lock (_gate)
        {
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited = (_acceptedCount + more, reached);
            return reached.Task;
        }
    }

    /// <summary>What breaks the rules; <paramref name="partitions"/> holds what was read from each, in order.</summary>
    public IReadOnlyList<string> Violations(IReadOnlyDictionary<string, IReadOnlyList<ReadEvent>> partitions)
    {
        var violations = new List<string>();
        var readCounts = new Dictionary<(string Device, int Number), int>();
        foreach (var (partition, events) in partitions) CheckPartition(partition, events, readCounts, violations);
        foreach (var (device, history) in _devices)
        {
            foreach (var number in history.AcceptedNumbers())
            {
                if (!readCounts.ContainsKey((device, number)))
                    violations.Add($"{device} event {number} was accepted and is lost");
            }
        }
        foreach (var ((device, number), count) in readCounts)
        {
            if (count > 1) violations.Add($"{device} event {number} is there {count} times");
        }
        return violations;
    }

    private void CheckPartition(
        string partition,
        IReadOnlyList<ReadEvent> events,
        Dictionary<(string Device, int Number), int> readCounts,
        List<string> violations)
    {
        var lastNumbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var lastOffset = -1L;
        for (var index = 0; index < events.Count; index++)
        {
            var each = events[index];
            if (each.Sequence != index)
                violations.Add($"partition {partition} has sequence number {each.Sequence} where {index} belongs");
            if (each.Offset <= lastOffset)
                violations.Add($"partition {partition} has offset {each.Offset} after {lastOffset}");
            lastOffset = each.Offset;
            if (lastNumbers.TryGetValue(each.Device, out var before) && each.Number <= before)
                violations.Add($"{each.Device} event {each.Number} comes after {before}");
            lastNumbers[each.Device] = each.Number;
            if (!_devices.TryGetValue(each.Device, out var history) || each.Number >= history.SentCount)
                violations.Add($"{each.Device} event {each.Number} was never sent");
            readCounts[(each.Device, each.Number)] = readCounts.GetValueOrDefault((each.Device, each.Number)) + 1;
        }
    }

    private DeviceHistory History(string device) => _devices.GetOrAdd(device, _ => new DeviceHistory());

    private sealed class DeviceHistory
    {
        private readonly Lock _lock = new();
        private readonly List<bool> _accepted = [];

        public int SentCount { get { lock (_lock) return _accepted.Count; } }

        public int Send()
        {
            lock (_lock)
            {
                _accepted.Add(false);
                return _accepted.Count - 1;
            }
        }

        public void Accept(int number) { lock (_lock) _accepted[number] = true; }

        public int[] AcceptedNumbers()
        {
            lock (_lock) return [.. _accepted.Index().Where(each => each.Item).Select(each => each.Index)];
        }
    }
}

/// <summary>One event as a reader got it.</summary>
internal readonly record struct ReadEvent(long Sequence, long Offset, string Device, int Number);
