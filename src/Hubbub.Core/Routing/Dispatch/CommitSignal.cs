using Hubbub.Core.Events;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Lets one task wait for the next commit of a partition.</summary>
internal sealed class CommitSignal : ICommitListener
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void OnCommitted() => Volatile.Read(ref _next).TrySetResult();

    /// <summary>
    /// Completes at the next commit. Call it before looking at the log, so that no commit falls in between.
    /// </summary>
    public Task Arm()
    {
        if (_next.Task.IsCompleted)
            Volatile.Write(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        return _next.Task;
    }
}
