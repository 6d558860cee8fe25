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
    private IEventPartition _partition = null!;
    private EventCursor? _cursor;
    private IDisposable? _subscription;
    private string _group = "";
    // Both are the writing side's alone: what of the cursor is loaded has been sent; the log held no more at the last
    // look.
    private bool _needsLoad = true;
    private bool _isAtEnd;
    private volatile bool _stopped;

    public string? ReaderName { get; init; }

    public long? Epoch { get; init; }

    /// <summary>True when the client wants to know with each event how far the partition has come.</summary>
    public bool WantsMetrics { get; init; }

    public override Symbol[]? OfferedCapabilities => WantsMetrics ? MetricCapability : null;

    public override bool IsPermittedBy(Claim claim) => claim.AllowsEntity(
        entity.Name, path, isBuiltIn: entity == Connection.Services.Events);

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
        _isAtEnd = false;
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
            _needsLoad = _isAtEnd = !_cursor!.Load();
        }
        catch (IOException) when (entity.IsRemoved)
        {
            // Its files are gone; that the reader has been told to go just has not come here yet.
            _isAtEnd = true;
        }
        catch (EventLogDamagedException damage)
        {
            Connection.Services.Logger.AmqpReaderDamaged(
                Connection.Peer.ConnectionId, entity.Name, _partition.Id, damage.Message);
            Displace(
                ErrorCondition.InternalError,
                $"Partition {_partition.Id} of '{entity.Name}' is damaged: {damage.Message}");
        }
    }

    protected override bool Pump(int outputBytesMax)
    {
        var sender = (SenderLink)Link;
        if (_stopped || _cursor is not { } cursor || !sender.IsAttached)
            return false;
        var output = Connection.Engine.Output;
        var sent = 0;
        while (!_needsLoad && sender.CanSend && output.Length < outputBytesMax)
        {
            if (!cursor.TryRead(out var view))
            {
                _needsLoad = true;
                break;
            }
            if (!TrySend(sender, output, view))
                return false;
            sent++;
        }
        if (sent > 0)
            Connection.Services.Metrics.EventsDelivered(sent);
        return HasMore(sender);
    }

    /// <summary>Whether to come back at once; otherwise a flow or a commit wakes this endpoint.</summary>
    private bool HasMore(SenderLink sender)
    {
        // A drain ends when the credit is used up, or when a look at the log has found nothing more to send.
        if (sender.Credit == 0 || _isAtEnd)
        {
            sender.Drained();
            return false;
        }
        return _needsLoad || sender.CanSend;
    }

    private bool TrySend(SenderLink sender, ByteBuffer output, in EventView view)
    {
        if (sender.RemoteMaxMessageSizeBytes is > 0 and var most && (ulong)SizeOf(view) > most)
        {
            Displace(ErrorCondition.MessageSizeExceeded,
                $"Event {view.SequenceNumber} of partition {_partition.Id} has {SizeOf(view)} bytes; "
                + $"link '{Link.Name}' "
                + $"takes {most} (max-message-size).");
            return false;
        }
        Span<byte> tag = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(tag, view.SequenceNumber);
        var start = sender.BeginMessage(tag, 0, settled: true);
        if (WantsMetrics)
            EventWriter.WriteMetrics(output, _partition.State, Connection.Services.Time.GetUtcNow());
        EventWriter.Write(output, view);
        sender.EndMessage(start);
        return true;
    }

    private int SizeOf(in EventView view) => EventWriter.SizeOf(view) + (WantsMetrics ? EventWriter.MetricsSizeMax : 0);
}
