using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Server.Routing;

/// <summary>
/// One sender's way into one stream: its partition there, and how far what it has appended is on stable storage.
/// Hears of commits on the log's thread, and only wakes.
/// </summary>
internal sealed class Lane(IEventLog log, IEventPartition partition, Action woken) : EventProducer
{
    private readonly Lock _gate = new();
    private Queue<(long Commit, HubError Error)>? _failures;
    private long _committedThrough = -1;

    /// <summary>The stream.</summary>
    public IEventLog Log => log;

    public IEventPartition Partition => partition;

    public long CommittedThrough => Volatile.Read(ref _committedThrough);

    public override void OnCommit(long commit, HubError? error)
    {
        if (error is not null)
        {
            lock (_gate)
                (_failures ??= []).Enqueue((commit, error));
        }
        Volatile.Write(ref _committedThrough, commit);
        woken();
    }

    /// <summary>Why a commit was refused; null when it was not. Ask in the order of the commits.</summary>
    public HubError? FailureOf(long commit)
    {
        if (_failures is null)
            return null;
        lock (_gate)
        {
            // Others may still ask for the same commit, but for none before it.
            while (_failures.TryPeek(out var first) && first.Commit < commit)
                _failures.Dequeue();
            return _failures.TryPeek(out var failure) && failure.Commit == commit ? failure.Error : null;
        }
    }
}

/// <summary>A commit that something waits for.</summary>
internal readonly record struct LaneCommit(Lane Lane, long Commit)
{
    public bool IsDone => Lane.CommittedThrough >= Commit;
}
