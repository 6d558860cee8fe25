using System.Collections.Concurrent;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// Judges what services and devices saw of commands, each with an id of its own and feedback "full": an accepted command
/// ends, with feedback; it ends in one way, and its feedback is one record, however often that is given; one that has
/// ended is not given to a device again; one that was refused, or never sent, is never seen.
/// </summary>
internal sealed class CommandHistory
{
    private readonly ConcurrentDictionary<string, Story> _stories = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private int _nextId;
    private long _acceptedCount;
    private long _open;
    private (long Count, TaskCompletionSource Reached)? _awaited;
    private TaskCompletionSource? _allEnded;

    public long AcceptedCount => Volatile.Read(ref _acceptedCount);

    /// <summary>Outcomes that were told, with how many commands ended so.</summary>
    public string Summary => string.Join(", ", _stories.Values.Where(story => story.Record is not null)
        .GroupBy(story => story.Record!.Value.Status).OrderBy(group => group.Key).Select(group => $"{group.Count()} {group.Key}"));

    /// <summary>The id of the next command, which from now on counts as sent.</summary>
    public string Send()
    {
        var id = $"c{Interlocked.Increment(ref _nextId)}";
        _stories[id] = new Story();
        return id;
    }

    public void Accepted(string id)
    {
        var story = _stories[id];
        lock (_gate)
        {
            story.IsAccepted = true;
            _acceptedCount++;
            if (story.Record is null) _open++;
            if (_awaited is { } awaited && _acceptedCount >= awaited.Count) awaited.Reached.TrySetResult();
        }
    }

    public void Refused(string id)
    {
        lock (_gate) _stories[id].IsRefused = true;
    }

    /// <summary>A device was given the command.</summary>
    public void Delivered(string id, int deliveryCount)
    {
        lock (_gate)
        {
            var story = _stories.GetOrAdd(id, _ => new Story { IsInvented = true });
            if (story.Record is { } record) story.Wrong.Add($"was delivered after it had ended as {record.Status}");
            if (deliveryCount < story.DeliveryCount)
                story.Wrong.Add($"was delivered with count {deliveryCount} after {story.DeliveryCount}");
            story.DeliveryCount = deliveryCount;
            story.Deliveries++;
        }
    }

    /// <summary>A service was given a feedback record.</summary>
    public void Feedback(string id, string status, string time)
    {
        lock (_gate)
        {
            var story = _stories.GetOrAdd(id, _ => new Story { IsInvented = true });
            var record = (status, time);
            if (story.Record is { } before)
            {
                if (before != record) story.Wrong.Add($"ended as {before.Status} at {before.Time} and as {status} at {time}");
                return;
            }
            story.Record = record;
            if (status is "Success" or "Rejected" && story.Deliveries == 0) story.Wrong.Add($"ended as {status}, never delivered");
            if (!story.IsAccepted) return;
            if (--_open == 0) _allEnded?.TrySetResult();
        }
    }

    /// <summary>Completes when so many more commands have been accepted; one waits at a time.</summary>
    public Task WhenAcceptedAsync(int more)
    {
        lock (_gate)
        {
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited = (_acceptedCount + more, reached);
            return reached.Task;
        }
    }

    /// <summary>Completes when every accepted command has ended; no more may be sent.</summary>
    public Task WhenAllEndedAsync()
    {
        lock (_gate)
        {
            _allEnded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_open == 0) _allEnded.TrySetResult();
            return _allEnded.Task;
        }
    }

    /// <summary>What breaks the rules, once everything should have ended.</summary>
    public IReadOnlyList<string> Violations()
    {
        var violations = new List<string>();
        lock (_gate)
        {
            foreach (var (id, story) in _stories)
            {
                violations.AddRange(story.Wrong.Select(wrong => $"{id} {wrong}"));
                var wasSeen = story.Deliveries > 0 || story.Record is not null;
                if (story.IsInvented) violations.Add($"{id} was never sent");
                if (story.IsRefused && wasSeen) violations.Add($"{id} was refused, and seen");
                if (story.IsAccepted && story.Record is null) violations.Add($"{id} was accepted and has no outcome");
            }
        }
        return violations;
    }

    private sealed class Story
    {
        public bool IsAccepted { get; set; }

        public bool IsRefused { get; set; }

        public bool IsInvented { get; init; }

        public int Deliveries { get; set; }

        public int DeliveryCount { get; set; }

        public (string Status, string Time)? Record { get; set; }

        public List<string> Wrong { get; } = [];
    }
}
