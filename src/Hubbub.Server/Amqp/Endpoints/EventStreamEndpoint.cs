using System.Buffers.Binary;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Events;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>{entity}/ConsumerGroups/{group}/Partitions/{id}</c>: sends a partition's events from a position on. Events go out
/// settled, for half of the clients never send a disposition; where a reader stands is the client's to remember.
/// </summary>
internal sealed class EventStreamEndpoint(HubConnection connection, SenderLink link, EventEntity entity, string path)
    : LinkEndpoint(connection, link), IEventReader, ICommitListener
{
    private static readonly Symbol[] MetricCapability = ["com.microsoft:enable-receiver-runtime-metric"];
    private readonly EventWriter _writer = new();
    private IEventPartition _partition = null!;
    private EventCursor? _cursor;
    private IDisposable? _subscription;
    private string _group = "";
    private volatile bool _needsLoad = true;
    private volatile bool _isCaughtUp;
    private volatile bool _stopped;

    public string? ReaderName { get; init; }

    public long? Epoch { get; init; }

    /// <summary>True when the client wants to know with each event how far the partition has come.</summary>
    public bool WantsMetrics { get; init; }

    public override Symbol[]? OfferedCapabilities => WantsMetrics ? MetricCapability : null;

    public override bool IsPermittedBy(Claim claim) => claim.AllowsEntity(entity.Name, path);

    /// <summary>Takes up the work once the reader is let in.</summary>
    public void Begin(string group, IEventPartition partition, EventCursor cursor)
    {
        (_group, _partition, _cursor) = (group, partition, cursor);
        _subscription = partition.Subscribe(this);
    }

    public void OnCommitted() => Connection.Wake(this);

    public void Displace(string condition, string reason) =>
        Displace(AmqpErrors.Error(condition, reason, Connection.TrackingId()));

    public override void OnStopped()
    {
        _stopped = true;
        _subscription?.Dispose();
        entity.Readers.Remove(_group, _partition.Id, this);
    }

    public override void Prepare()
    {
        if (_stopped)
        {
            _cursor?.Dispose();
            _cursor = null;
            return;
        }
        if (!_needsLoad || ((SenderLink)Link).Credit == 0)
            return;
        try
        {
            _isCaughtUp = _needsLoad = !_cursor!.Load();
        }
        catch (EventLogDamagedException damage)
        {
            Connection.Services.Logger.AmqpReaderDamaged(Connection.Peer.ConnectionId, entity.Name, _partition.Id, damage.Message);
            Displace(ErrorCondition.InternalError, $"Partition {_partition.Id} of '{entity.Name}' is damaged: {damage.Message}");
        }
    }

    protected override bool Pump(int outputBytesMax)
    {
        var sender = (SenderLink)Link;
        var output = Connection.Engine.Output;
        if (_stopped || _cursor is not { } cursor)
            return false;
        var sent = 0;
        var isFull = false;
        while (!_needsLoad && sender.CanSend && !(isFull = output.Length >= outputBytesMax))
        {
            if (!cursor.TryRead(out var view))
            {
                _needsLoad = true;
                _isCaughtUp = false;
                break;
            }
            Send(sender, output, view);
            sent++;
        }
        if (sent > 0)
            Connection.Services.Metrics.EventsDelivered(sent);
        if (isFull)
            return true;
        // Caught up: a commit, a flow or a drain wakes us. Otherwise the next load has more.
        if (_isCaughtUp)
            sender.Drained();
        return !_isCaughtUp && sender.CanSend;
    }

    private void Send(SenderLink sender, ByteBuffer output, in EventView view)
    {
        Span<byte> tag = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(tag, view.SequenceNumber);
        var start = sender.BeginMessage(tag, 0, settled: true);
        if (WantsMetrics)
            EventWriter.WriteMetrics(output, _partition.State, Connection.Services.Time.GetUtcNow());
        _writer.Write(output, view);
        sender.EndMessage(start);
    }
}
