using Hubbub.Core;

namespace Hubbub.Server.Routing;

/// <summary>One request's events on their way into the streams: tells when all of them are on stable storage.</summary>
internal sealed class RoutedSend
{
    private readonly TaskCompletionSource<HubError?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile LaneCommit[]? _waiting;

    public RoutedSend(TelemetryRouter router, string deviceId) => Routes = new SenderRoutes(router, deviceId, Look);

    /// <summary>Takes the events; once.</summary>
    public SenderRoutes Routes { get; }

    /// <summary>Completes when the events that were appended are stored: with null, or why they are not.</summary>
    public Task<HubError?> WhenStored()
    {
        _waiting = Routes.Commits.ToArray();
        Look();
        return _done.Task;
    }

    private void Look()
    {
        if (_waiting is not { } commits || !Array.TrueForAll(commits, static c => c.IsDone))
            return;
        HubError? failure = null;
        foreach (var commit in commits)
            failure ??= commit.Lane.FailureOf(commit.Commit);
        _done.TrySetResult(failure);
    }
}
