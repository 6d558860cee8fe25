using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>An event log whose commits end when and how the test says. It cannot be read.</summary>
internal sealed class ScriptedLog : IEventLog
{
    private readonly ScriptedPartition[] _partitions;

    public ScriptedLog(int partitions) =>
        _partitions = [.. Enumerable.Range(0, partitions).Select(id => new ScriptedPartition(id))];

    public IReadOnlyList<IEventPartition> Partitions => _partitions;

    public DateTimeOffset CreatedAt => DateTimeOffset.UnixEpoch;

    public ScriptedPartition this[int partition] => _partitions[partition];

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>One partition of a <see cref="ScriptedLog"/>.</summary>
internal sealed class ScriptedPartition(int id) : IEventPartition
{
    private readonly Lock _lock = new();
    private readonly Signal _appended = new();
    private readonly HashSet<EventProducer> _producers = [];
    private TaskCompletionSource? _saturated;
    private int _heldBack;
    private long _commit;
    private int _count;

    public int Id => id;

    public PartitionState State => new(-1, -1, -1, 0);

    /// <summary>What every append is answered with; null takes it.</summary>
    public HubError? Refusal { get; set; }

    /// <summary>True where nothing may be allocated: then nobody can wait for appends but by looking at their number.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Events appended so far.</summary>
    public int Count => Volatile.Read(ref _count);

    public bool IsSaturated => _saturated is not null;

    public HubResult<long> Append(
        EventProducer producer, ReadOnlySpan<byte> annotations, int annotationCount, ReadOnlySpan<byte> sections) =>
        Append(producer, 1);

    public HubResult<long> Append(EventProducer producer, EventBatch batch) => Append(producer, batch.Count);

    /// <summary>Ends the commit that is being filled.</summary>
    public void Commit(HubError? error = null)
    {
        lock (_lock)
        {
            var commit = _commit++;
            foreach (var producer in _producers)
                producer.OnCommit(commit, error);
            _producers.Clear();
        }
    }

    public void Saturate() => _saturated = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Relieve()
    {
        var saturated = _saturated;
        _saturated = null;
        saturated?.SetResult();
    }

    public ValueTask WhenNotSaturatedAsync(CancellationToken cancellationToken)
    {
        if (_saturated is not { } saturated)
            return ValueTask.CompletedTask;
        Interlocked.Increment(ref _heldBack);
        _appended.Set();
        return new(saturated.Task.WaitAsync(cancellationToken));
    }

    /// <summary>Completes when somebody has begun to wait for the end of the saturation.</summary>
    public Task WhenHeldBackAsync() => _appended.UntilAsync(
        () => Volatile.Read(ref _heldBack) > 0 ? this : null, () => $"a sender that waits for partition {id}");

    public HubResult<EventCursor> Open(EventPosition position) =>
        new HubError(HubErrorCode.NotImplemented, "A scripted log cannot be read.");

    public IDisposable Subscribe(ICommitListener listener) => new MemoryStream();

    public Task WhenAppendedAsync(int count) => _appended.UntilAsync(
        () => Count >= count ? this : null, () => $"{count} events in partition {id}; there are {Count}");

    private HubResult<long> Append(EventProducer producer, int count)
    {
        lock (_lock)
        {
            if (Refusal is { } refusal)
                return refusal;
            _producers.Add(producer);
            _count += count;
            if (!IsQuiet)
                _appended.Set();
            return _commit;
        }
    }
}
