using System.Globalization;
using System.Text;
using Hubbub.Core.Events;

namespace Hubbub.Core.Tests.Routing.Dispatch;

/// <summary>An endpoint's stream in memory: an event is a text, committed at once.</summary>
internal sealed class MemoryPartition : IEventPartition
{
    private readonly Lock _lock = new();
    private readonly List<(byte[] Sections, long TimeMs)> _events = [];
    private readonly List<ICommitListener> _listeners = [];
    private long _begin;

    public int Id => 0;

    public bool IsSaturated => false;

    public PartitionState State
    {
        get
        {
            lock (_lock)
            {
                return new PartitionState(
                    _begin < _events.Count ? _begin : -1, _events.Count - 1, _events.Count - 1,
                    _events.Count == 0 ? 0 : _events[^1].TimeMs);
            }
        }
    }

    public void Add(string text, DateTimeOffset time)
    {
        ICommitListener[] listeners;
        lock (_lock)
        {
            _events.Add((Encoding.UTF8.GetBytes(text), time.ToUnixTimeMilliseconds()));
            listeners = [.. _listeners];
        }
        foreach (var listener in listeners)
            listener.OnCommitted();
    }

    /// <summary>Adds "0", "1", ... up to and without <paramref name="end"/>, from the present end on.</summary>
    public void AddUpTo(int end, DateTimeOffset time)
    {
        for (var i = (int)State.LastSequenceNumber + 1; i < end; i++)
            Add(i.ToString(CultureInfo.InvariantCulture), time);
    }

    /// <summary>Retention takes everything in front of an event.</summary>
    public void RemoveBefore(long sequenceNumber)
    {
        lock (_lock)
            _begin = sequenceNumber;
    }

    public HubResult<EventCursor> Open(EventPosition position)
    {
        if (position.Kind == EventPositionKind.Earliest)
            return new Cursor(this, 0);
        return position.Value > State.LastSequenceNumber
            ? new HubError(HubErrorCode.ArgumentInvalid, "Behind the end.")
            : new Cursor(this, position.Value + 1);
    }

    public IDisposable Subscribe(ICommitListener listener)
    {
        lock (_lock)
            _listeners.Add(listener);
        return new MemoryStream();
    }

    public HubResult<long> Append(
        EventProducer producer, ReadOnlySpan<byte> annotations, int annotationCount, ReadOnlySpan<byte> sections) =>
        throw new NotSupportedException();

    public HubResult<long> Append(EventProducer producer, EventBatch batch) => throw new NotSupportedException();

    public ValueTask WhenNotSaturatedAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private sealed class Cursor(MemoryPartition partition, long next) : EventCursor
    {
        private long _next = next;
        private long _loaded;

        public override bool TryRead(out EventView view)
        {
            view = default;
            if (_next >= _loaded)
                return false;
            lock (partition._lock)
            {
                var (sections, timeMs) = partition._events[(int)_next];
                view = new EventView
                {
                    SequenceNumber = _next,
                    Offset = _next,
                    EnqueuedTimeMs = timeMs,
                    Stamp = default,
                    Annotations = default,
                    AnnotationCount = 0,
                    Sections = sections,
                };
            }
            _next++;
            return true;
        }

        public override bool Load()
        {
            lock (partition._lock)
            {
                _next = Math.Max(_next, partition._begin);
                _loaded = partition._events.Count;
                return _next < _loaded;
            }
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
