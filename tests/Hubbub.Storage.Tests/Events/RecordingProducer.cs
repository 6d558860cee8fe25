using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Storage.Tests.Events;

/// <summary>A producer that remembers how its commits ended.</summary>
internal sealed class RecordingProducer : EventProducer
{
    private readonly Lock _lock = new();
    private readonly List<(long Commit, HubError? Error)> _commits = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<(long Commit, HubError? Error)> Commits
    {
        get
        {
            lock (_lock)
                return [.. _commits];
        }
    }

    public override void OnCommit(long commit, HubError? error)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _commits.Add((commit, error));
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        changed.SetResult();
    }

    /// <summary>Waits until the commit has ended; its refusal, or null when it is durable.</summary>
    public async Task<HubError?> WhenCommittedAsync(long commit)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                foreach (var ended in _commits)
                {
                    if (ended.Commit == commit)
                        return ended.Error;
                }
                changed = _changed.Task;
            }
            await changed.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
    }
}
