using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Storage.Events;

/// <summary>One partition of a <see cref="SegmentedEventLog"/>: the parts put together.</summary>
internal sealed class EventPartition : IEventPartition, IDisposable
{
    private readonly PartitionContext _context;
    private readonly CommitWriter _writer;
    private readonly PartitionReader _reader;
    private readonly Lock _listenersLock = new();
    private ICommitListener[] _listeners = [];
    private LogTail? _tailAtLastSeal;
    private readonly Retention _retention;

    public EventPartition(PartitionContext context)
    {
        _context = context;
        var recovered = PartitionRecovery.Open(context);
        var segment = new SegmentWriter(context, recovered.Segments, recovered.Index);
        _writer = new CommitWriter(context, segment, recovered.Tail, NotifyListeners);
        _reader = new PartitionReader(context, recovered.Segments, _writer, segment);
        _retention = new Retention(context, recovered.Segments);
    }

    public int Id => _context.Partition;

    public PartitionState State
    {
        get
        {
            var first = _reader.Segments.First.Header.BaseSequence;
            var tail = _reader.Tail;
            return new PartitionState(
                first < tail.NextSequence ? first : -1,
                tail.NextSequence - 1,
                tail.LastOffset,
                tail.LastTimeMs);
        }
    }

    public bool IsSaturated => _writer.Queue.IsSaturated;

    internal CommitWriter Writer => _writer;

    public HubResult<long> Append(
        EventProducer producer, ReadOnlySpan<byte> annotations, int annotationCount, ReadOnlySpan<byte> sections) =>
        _writer.Queue.Append(producer, annotations, annotationCount, sections);

    public HubResult<long> Append(EventProducer producer, EventBatch batch) => _writer.Queue.Append(producer, batch);

    public ValueTask WhenNotSaturatedAsync(CancellationToken cancellationToken) =>
        _writer.Queue.WhenNotSaturatedAsync(cancellationToken);

    public HubResult<EventCursor> Open(EventPosition position)
    {
        var start = CursorStart.Find(_reader, position);
        return start.Error is { } error ? error : new LogCursor(_reader, start.Value);
    }

    public IDisposable Subscribe(ICommitListener listener)
    {
        lock (_listenersLock)
            Volatile.Write(ref _listeners, [.. _listeners, listener]);
        return new Subscription(this, listener);
    }

    /// <summary>Called at each seal interval: asks for a seal when there was no commit since the last call.</summary>
    public void SealWhenIdle()
    {
        var tail = _writer.Tail;
        if (ReferenceEquals(tail, _tailAtLastSeal) && !tail.IsSealed && _writer.Queue.IsIdle)
            _writer.RequestSeal();
        _tailAtLastSeal = tail;
    }

    /// <summary>Called at each retention interval.</summary>
    /// <param name="byTime">False when the clock is not to be believed.</param>
    public void ApplyRetention(bool byTime)
    {
        try
        {
            var tail = _writer.Tail;
            if (_retention.WantsNewSegment(tail))
                _writer.RequestRoll();
            _retention.RemoveOld(tail, byTime);
        }
        catch (IOException error)
        {
            _context.Observer.OnUpkeepFailed(Id, error);
        }
    }

    /// <summary>Lets retention remove segments whose events all lie up to this one.</summary>
    public void Release(long sequenceNumber) => _retention.Released = sequenceNumber;

    public void Skip(long from, long to) => _reader.Skipped.Add(from, to);

    public void Dispose() => _writer.Dispose();

    private void NotifyListeners()
    {
        foreach (var listener in Volatile.Read(ref _listeners))
        {
            try
            {
                listener.OnCommitted();
            }
#pragma warning disable CA1031 // A listener's bug must not stop the partition for everybody else.
            catch (Exception bug)
#pragma warning restore CA1031
            {
                _context.Observer.OnCallbackFailed(Id, bug);
            }
        }
    }

    private void Unsubscribe(Subscription subscription)
    {
        lock (_listenersLock)
        {
            var at = Array.IndexOf(_listeners, subscription.Listener);
            if (at >= 0)
                Volatile.Write(ref _listeners, [.. _listeners.AsSpan(0, at), .. _listeners.AsSpan(at + 1)]);
        }
    }

    private sealed class Subscription(EventPartition partition, ICommitListener listener) : IDisposable
    {
        private int _disposed;

        public ICommitListener Listener => listener;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
                partition.Unsubscribe(this);
        }
    }
}
