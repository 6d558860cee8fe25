using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Storage.Events;

/// <summary>
/// Where producers meet the writer: they fill one buffer under a short lock while the writer puts the one before on
/// disk. Bounds what waits. Knows nothing of files.
/// </summary>
internal sealed class CommitQueue
{
    private static readonly HubError Closed =
        new(HubErrorCode.ServiceUnavailable, "The event log is shutting down; send again after reconnecting");

    private static readonly HubError Stopped =
        new(HubErrorCode.ServiceUnavailable, "The event log has stopped after a failed write; send again later");

    private readonly Lock _lock = new();
    private readonly EventLogOptions _options;
    private readonly int _partition;
    private readonly Queue<CommitBuffer> _full = new();
    private readonly Stack<CommitBuffer> _free = new();
    private readonly Action _wakeWriter;
    private CommitBuffer _filling = new();
    private long _fullBytes;
    private long _inFlightBytes;
    private bool _writerWaits;
    private HubError? _refusal;
    private TaskCompletionSource? _belowSaturation;

    public CommitQueue(EventLogOptions options, int partition, Action wakeWriter)
    {
        (_options, _partition, _wakeWriter) = (options, partition, wakeWriter);
        _filling.Begin(0);
    }

    /// <summary>True while the producers are ahead of the writer by more than the option allows.</summary>
    public bool IsSaturated
    {
        get
        {
            lock (_lock)
                return WaitingBytes >= _options.SaturationBytes;
        }
    }

    /// <summary>True when nothing waits and nothing is under way.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
                return _full.Count == 0 && _filling.EventCount == 0 && _inFlightBytes == 0;
        }
    }

    /// <summary>Complete buffers and the one being filled; not what the writer has taken.</summary>
    private long WaitingBytes => _fullBytes + (_filling.EventCount > 0 ? _filling.Length : 0);

    public HubResult<long> Append(
        EventProducer producer, ReadOnlySpan<byte> annotations, int annotationCount, ReadOnlySpan<byte> sections)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)annotationCount, ushort.MaxValue, nameof(annotationCount));
        var size = (long)EntryFormat.EventHeaderSize + annotations.Length + sections.Length;
        bool wake;
        long commit;
        lock (_lock)
        {
            if (Prepare(producer, size) is { } refusal)
                return refusal;
            _filling.Enlist(producer);
            _filling.Add(producer, annotations, annotationCount, sections);
            commit = _filling.Commit;
            (wake, _writerWaits) = (_writerWaits, false);
        }
        if (wake)
            _wakeWriter();
        return commit;
    }

    public HubResult<long> Append(EventProducer producer, EventBatch batch)
    {
        ArgumentOutOfRangeException.ThrowIfZero(batch.Count, nameof(batch));
        long size = 0;
        for (var at = 0; batch.TryRead(ref at, out var annotations, out _, out var sections);)
            size += EntryFormat.EventHeaderSize + annotations.Length + sections.Length;
        bool wake;
        long commit;
        lock (_lock)
        {
            if (Prepare(producer, size) is { } refusal)
                return refusal;
            _filling.Enlist(producer);
            for (var at = 0; batch.TryRead(ref at, out var annotations, out var count, out var sections);)
                _filling.Add(producer, annotations, count, sections);
            commit = _filling.Commit;
            (wake, _writerWaits) = (_writerWaits, false);
        }
        if (wake)
            _wakeWriter();
        return commit;
    }

    /// <summary>
    /// The next commit for the writer: a full buffer, or what has gathered meanwhile. Null when nothing waits; then the
    /// writer is woken by the next append.
    /// </summary>
    public CommitBuffer? Take()
    {
        CommitBuffer taken;
        TaskCompletionSource? below = null;
        lock (_lock)
        {
            if (_full.TryDequeue(out var full))
            {
                taken = full;
                _fullBytes -= full.Length;
            }
            else if (_filling.EventCount > 0)
            {
                taken = _filling;
                BeginNext();
            }
            else
            {
                _writerWaits = true;
                return null;
            }
            _inFlightBytes = taken.Length;
            if (_belowSaturation is not null && WaitingBytes < _options.SaturationBytes)
                (below, _belowSaturation) = (_belowSaturation, null);
        }
        below?.SetResult();
        return taken;
    }

    /// <summary>Takes a buffer back once its commit has ended, well or not, and its producers have been told.</summary>
    public void Recycle(CommitBuffer buffer)
    {
        buffer.Begin(-1);
        lock (_lock)
        {
            _inFlightBytes = 0;
            if (_free.Count < EventLogLimits.CommitBuffersKept)
                _free.Push(buffer);
        }
    }

    /// <summary>Gives memory back while nothing is going on.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            if (_filling.EventCount == 0)
                _filling.Trim();
            foreach (var buffer in _free)
                buffer.Trim();
        }
    }

    /// <summary>Refuses further appends; what waits is still committed.</summary>
    public void Close() => Refuse(Closed);

    /// <summary>Refuses further appends after a failure; what waits is never committed.</summary>
    public void Stop() => Refuse(Stopped);

    public ValueTask WhenNotSaturatedAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_refusal is not null || WaitingBytes < _options.SaturationBytes)
                return ValueTask.CompletedTask;
            _belowSaturation ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask(_belowSaturation.Task.WaitAsync(cancellationToken));
        }
    }

    private void Refuse(HubError reason)
    {
        TaskCompletionSource? below;
        lock (_lock)
        {
            _refusal = reason;
            (below, _belowSaturation) = (_belowSaturation, null);
        }
        below?.SetResult();
    }

    /// <summary>Finds room for an append in the buffer being filled, or begins the next one, or says why not.</summary>
    private HubError? Prepare(EventProducer producer, long size)
    {
        if (_refusal is not null)
            return _refusal;
        // The stamp may be there already; counting it all the same keeps this cheap.
        size += EntryFormat.StampHeaderSize + producer.Annotations.Length;
        if (size > _options.WaitingBytesMax)
            return TooLarge(size);
        if (_inFlightBytes + WaitingBytes + size > _options.WaitingBytesMax)
            return TooMuchWaits(size);
        if (_filling.EventCount > 0 && _filling.Length + size > _options.CommitBytesMax)
        {
            _full.Enqueue(_filling);
            _fullBytes += _filling.Length;
            BeginNext();
        }
        _filling.Reserve((int)size);
        return null;
    }

    private void BeginNext()
    {
        var next = _filling.Commit + 1;
        _filling = _free.TryPop(out var free) ? free : new CommitBuffer();
        _filling.Begin(next);
    }

    private HubError TooLarge(long size) => new(
        HubErrorCode.MessageTooLarge,
        $"Partition {_partition} cannot store {size} bytes at once (limit {_options.WaitingBytesMax})");

    private HubError TooMuchWaits(long size) => new(
        HubErrorCode.ServiceUnavailable,
        $"Partition {_partition} cannot take {size} bytes more while {_inFlightBytes + WaitingBytes} wait for " +
        $"the disk (limit {_options.WaitingBytesMax}); send again later");
}
