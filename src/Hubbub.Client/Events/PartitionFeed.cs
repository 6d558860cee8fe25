using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Transport;
using Hubbub.Client.Connections;

namespace Hubbub.Client.Events;

/// <summary>
/// What has come from one partition and has not been read yet, and the link that it comes on. The connection fills it,
/// one reader empties it, and credit follows what the reader has taken: memory is bounded by the credit. When the link
/// is lost, the next one begins behind the newest event that has come.
/// </summary>
internal sealed class PartitionFeed : IDeliverySink
{
    // Asks the hub to settle on sending: events are read, not consumed (eventhubs.md 5.4).
    private const SenderSettleMode SettleMode = SenderSettleMode.Settled;
    private static readonly Symbol SelectorFilter = new("apache.org:selector-filter:string");

    private readonly EventReaderOptions _options;
    private readonly OnDemand<EventHubSession> _sessions;
    private readonly AsyncSignal _signal;
    private readonly LinkKeeper _keeper;
    private readonly Lock _gate = new();
    private readonly Queue<EventChunk> _full = new();
    private EventPosition _from;
    private EventChunk? _filling;
    private bool _isFillingToRead;
    private EventChunk? _newest;
    private ReceivingLink? _link;
    private int _chunkSize = ClientLimits.ChunkBytesMin;
    private HubbubException? _end;
    private ReceiveCredit _credit;

    // The reader's alone: what it has read since credit was given back, and of which link.
    private ReceivingLink? _owedTo;
    private uint _owedCount;
    private uint _owedSettled;
    private long _owedBytes;

    /// <param name="partitionId">The partition.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="options">How.</param>
    /// <param name="sessions">What the link is attached to.</param>
    /// <param name="signal">Told when there is something to read.</param>
    public PartitionFeed(
        string partitionId,
        EventPosition from,
        EventReaderOptions options,
        OnDemand<EventHubSession> sessions,
        AsyncSignal signal)
    {
        PartitionId = partitionId;
        (_from, _options, _sessions, _signal) = (from, options, sessions, signal);
        _credit = new ReceiveCredit((uint)Math.Max(1, options.Prefetch));
        _keeper = new LinkKeeper($"partition {partitionId}", options, AttachAsync, OnGivenUp)
        {
            Trouble = () => sessions.LastFailure,
        };
    }

    public string PartitionId { get; }

    /// <summary>Attaches the link, and keeps one up from then on.</summary>
    /// <exception cref="HubbubException">Refused, or too slow.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _keeper.Start();
        return _keeper.WhenAttachedAsync(cancellationToken);
    }

    /// <summary>Detaches.</summary>
    public Task StopAsync() => _keeper.StopAsync();

    /// <summary>Takes what there is next; false when there is nothing.</summary>
    /// <exception cref="HubbubException">There is nothing and there will be nothing.</exception>
    public bool TryTake(out EventChunk chunk)
    {
        lock (_gate)
        {
            if (_full.TryDequeue(out chunk!))
                return true;
            if (_filling is { } partial && _isFillingToRead)
            {
                // A reader that keeps up gets small chunks, so that a single event does not hold a large array.
                _chunkSize = Math.Clamp(partial.Written * 2, ClientLimits.ChunkBytesMin, ClientLimits.ChunkBytesMax);
                (chunk, _filling) = (partial, null);
                return true;
            }
            return _end is null ? false : throw _end;
        }
    }

    /// <summary>
    /// Says that a chunk has been read. Credit goes back a quarter at a time: the peer has the rest meanwhile, and
    /// neither the connection nor its writing side is troubled for every chunk.
    /// </summary>
    public void Release(EventChunk chunk)
    {
        Tracing.OnConsumed(chunk.Count);
        if (_owedTo != chunk.Link)
            (_owedTo, _owedCount, _owedSettled, _owedBytes) = (chunk.Link, 0, 0, 0);
        _owedCount += chunk.Count;
        _owedSettled += chunk.SettledCount;
        _owedBytes += chunk.Written;
        if (chunk.Unsettled is null && _owedCount < chunk.Link.Granted / 4)
            return;
        _credit.Update(_owedCount, _owedBytes);
        chunk.Link.Connection!.Invoke((chunk, _owedSettled, _credit.Value), static (_, state) =>
            state.chunk.Link.Release(state._owedSettled, state.chunk.Unsettled, state.Value));
        _owedTo = null;
    }

    void IDeliverySink.OnDelivery(in IncomingDelivery delivery)
    {
        lock (_gate)
        {
            if (_filling is null || _filling.Link != _link || !_filling.TryAdd(delivery))
                AddToNewChunk(delivery);
        }
    }

    void IDeliverySink.OnDelivered()
    {
        lock (_gate)
            _isFillingToRead = true;
        _signal.Signal();
    }

    // What came last is still to be read; all else the keeper does.
    void IDeliverySink.OnEnded(HubbubException end) => ((IDeliverySink)this).OnDelivered();

    private void OnGivenUp(HubbubException end)
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
        var size = Math.Max(_chunkSize, EventChunk.SizeOf(delivery.Payload.Length));
        _newest = _filling = new EventChunk(_link!, size);
        // Not before the read is over: a reader woken by its first event would take that one alone.
        _isFillingToRead = false;
        _filling.TryAdd(delivery);
    }

    private async Task<ClientLink> AttachAsync(CancellationToken cancellationToken)
    {
        var session = await _sessions.GetAsync(cancellationToken).ConfigureAwait(false);
        var address = $"{session.EntityPath}/ConsumerGroups/{_options.ConsumerGroup}/Partitions/{PartitionId}";
        ReceivingLink link;
        EventPosition from;
        lock (_gate)
        {
            // What former links brought and nobody has read takes its part of the credit, or links that are lost again
            // and again would fill the memory of a reader that stands still.
            var unread = _full.Sum(static chunk => chunk.Count) + (_filling?.Count ?? 0);
            _link = link = new ReceivingLink(address, this, (uint)Math.Max(1, _credit.Value - unread));
            if (_newest is { } newest)
            {
                var last = new ReceivedEvent(PartitionId, newest.Last);
                _from = EventPosition.FromSequenceNumber(last.SequenceNumber, isInclusive: false);
            }
            from = _from;
        }
        await session.AttachAsync(link, AttachTo(address, from), cancellationToken).ConfigureAwait(false);
        return link;
    }

    private static Attach AttachTo(string address, EventPosition from)
    {
        var filter = new AmqpMapBuilder()
            .Add(SelectorFilter, AmqpValue.Described(SelectorFilter, AmqpValue.From(from.Filter)))
            .Build();
        return new Attach
        {
            Name = $"{address}-{Guid.NewGuid():N}",
            Handle = 0,
            Role = Role.Receiver,
            SndSettleMode = SettleMode,
            Source = new Source { Address = AmqpValue.From(address), Filter = filter },
            Target = new Target { Address = AmqpValue.From("hubbub-client") },
            Properties = new AmqpMapBuilder().Add("com.microsoft:receiver-name", "hubbub-client").Build(),
        };
    }
}
