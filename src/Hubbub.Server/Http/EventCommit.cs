using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Server.Http;

/// <summary>The source of one request's events: tells when their one commit is on stable storage.</summary>
internal sealed class EventCommit : EventProducer
{
    private readonly TaskCompletionSource<HubError?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null when the events are stored, else why they are not.</summary>
    public Task<HubError?> Done => _done.Task;

    public override void OnCommit(long commit, HubError? error) => _done.TrySetResult(error);
}
