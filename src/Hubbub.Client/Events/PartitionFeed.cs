using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Transport;
using Hubbub.Client.Connections;

namespace Hubbub.Client.Events;

/// <summary>
/// What has come from one partition and has not been read yet. The connection fills it, one reader empties it, and
/// credit follows what the reader has taken: memory is bounded by the credit.
/// </summary>
internal sealed class PartitionFeed : IDeliverySink
{
    private readonly Lock _gate = new();
    private readonly AsyncSignal _signal;
    private readonly Queue<EventChunk> _full = new();
    private EventChunk? _filling;
    private int _chunkSize = ClientLimits.ChunkBytesMin;
    private HubbubException? _end;
    private ReceiveCredit _credit;

    /// <param name="partitionId">The partition.</param>
    /// <param name="address">The link's address.</param>
    /// <param name="prefetch">The most events under way.</param>
    /// <param name="signal">Told when there is something to read.</param>
    public PartitionFeed(string partitionId, string address, int prefetch, AsyncSignal signal)
    {
        PartitionId = partitionId;
        _signal = signal;
        _credit = new ReceiveCredit((uint)Math.Max(1, prefetch));
        Link = new ReceivingLink(address, this, _credit.Value);
    }

    public string PartitionId { get; }

    public ReceivingLink Link { get; }

    /// <summary>Takes what there is next; false when there is nothing.</summary>
    /// <exception cref="HubbubException">There is nothing and there will be nothing.</exception>
    public bool TryTake(out EventChunk chunk)
    {
        lock (_gate)
        {
            if (_full.TryDequeue(out chunk!))
                return true;
            if (_filling is { } partial)
            {
                // A reader that keeps up gets small chunks, so that a single event does not hold a large array.
                _chunkSize = Math.Clamp(partial.Written * 2, ClientLimits.ChunkBytesMin, ClientLimits.ChunkBytesMax);
                (chunk, _filling) = (partial, null);
                return true;
            }
            return _end is null ? false : throw _end;
        }
    }

    /// <summary>Says that a chunk has been read.</summary>
    public void Release(EventChunk chunk)
    {
        _credit.Update(chunk.Count, chunk.Written);
        Link.Connection!.Invoke((Link, chunk, _credit.Value), static (_, state) =>
            state.Link.Release(state.chunk.SettledCount, state.chunk.Unsettled, state.Value));
    }

    void IDeliverySink.OnDelivery(in IncomingDelivery delivery)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = _filling is null && _full.Count == 0;
            if (_filling?.TryAdd(delivery) != true)
                AddToNewChunk(delivery);
        }
        if (isFirst)
            _signal.Signal();
    }

    void IDeliverySink.OnEnded(HubbubException end)
    {
        lock (_gate)
            _end ??= end;
        _signal.Signal();
    }

    private void AddToNewChunk(in IncomingDelivery delivery)
    {
        if (_filling is { } full)
        {
            _full.Enqueue(full);
            _chunkSize = Math.Min(_chunkSize * 2, ClientLimits.ChunkBytesMax);
        }
        _filling = new EventChunk(Math.Max(_chunkSize, EventChunk.SizeOf(delivery.Payload.Length)));
        _filling.TryAdd(delivery);
    }
}
