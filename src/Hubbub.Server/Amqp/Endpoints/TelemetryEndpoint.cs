using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>devices/{d}[/modules/{m}]/messages/events</c>: takes telemetry, appends it to the device's partition, and accepts
/// it when its commit is on stable storage.
/// </summary>
internal sealed class TelemetryEndpoint : LinkEndpoint
{
    private readonly string _deviceId;
    private readonly string? _moduleId;
    private readonly Producer _producer;
    private readonly PendingCommits _pending = new();
    private IEventPartition _partition = null!;
    private IDisposable? _presence;

    public TelemetryEndpoint(HubConnection connection, ReceiverLink link, string deviceId, string? moduleId)
        : base(connection, link)
    {
        (_deviceId, _moduleId) = (deviceId, moduleId);
        _producer = new Producer(this);
    }

    public override string? DeviceId => _deviceId;

    public override uint Credit => HubAmqpLimits.TelemetryCredit;

    public override bool IsPermittedBy(Claim claim) => claim.AllowsDevice(_deviceId, _moduleId, "messages/events");

    /// <summary>Takes up the work once the link is authorised.</summary>
    /// <param name="generationId">Of the device or module that sends.</param>
    public void Begin(string generationId)
    {
        var partitions = Connection.Services.Events.Log.Partitions;
        // All events of a device are in one partition, so that their order holds.
        _partition = partitions[PartitionHash.PartitionOf(_deviceId, partitions.Count)];
        var (pairs, count) = HubAnnotations.Stamp(_deviceId, _moduleId, generationId, Claim!.Claim.AuthMethod);
        _producer.Stamp(pairs, count);
        _presence = Connection.Services.Presence.Connect(_deviceId, _moduleId);
    }

    public override void OnStopped() => _presence?.Dispose();

    public override void OnDelivery(in IncomingDelivery delivery)
    {
        var appended = delivery.MessageFormat switch
        {
            MessageFormats.Amqp => AppendMessage(delivery.Payload, out var problem) is { } one ? one : Refuse(delivery, problem),
            MessageFormats.Batch => AppendBatch(delivery.Payload, out var problem) is { } many ? many : Refuse(delivery, problem),
            _ => Refuse(delivery, new MessageProblem(
                ErrorCondition.NotImplemented, $"Message format 0x{delivery.MessageFormat:x} is not supported.")),
        };
        if (appended < 0)
            return;
        _pending.Add(appended, delivery.Id, delivery.Settled);
        if (_partition.IsSaturated)
            Connection.HoldBack(_partition);
    }

    protected override bool Pump(int outputBytesMax)
    {
        var receiver = (ReceiverLink)Link;
        var committed = _producer.CommittedThrough;
        while (_pending.TryTake(committed, out var batch))
        {
            if (_producer.FailureOf(batch.Commit) is { } error)
            {
                Connection.Services.Metrics.EventsRejected(batch.Deliveries);
                receiver.Settle(batch.FirstId, batch.LastId, new Rejected { Error = error.ToAmqp(Connection.TrackingId()) });
            }
            else
            {
                receiver.Settle(batch.FirstId, batch.LastId, Accepted.Instance);
            }
            if (batch.Settled > 0)
                receiver.Release((uint)batch.Settled);
        }
        return false;
    }

    private long? AppendMessage(ReadOnlyMemory<byte> payload, out MessageProblem problem)
    {
        var scratch = Connection.Telemetry;
        if (!MessageSections.TryRead(payload, SectionOrder.Strict, out var sections, out problem)
            || !IsWithinSize(payload.Length, sections, out problem)
            || !scratch.TryRead(sections, out problem))
            return null;
        Connection.Services.Metrics.EventsReceived(1, payload.Length);
        var appended = _partition.Append(_producer, scratch.Annotations, scratch.AnnotationCount, scratch.Sections.Span);
        return Result(appended, out problem);
    }

    private long? AppendBatch(ReadOnlyMemory<byte> payload, out MessageProblem problem)
    {
        if (!MessageSections.TryRead(payload, SectionOrder.Lenient, out var envelope, out problem, MessageFormats.Batch))
            return null;
        if (envelope.Body != BodyKind.Data || envelope.BodySectionCount == 0)
        {
            problem = new MessageProblem(ErrorCondition.DecodeError, "A batch holds data sections, a message each; there is none.");
            return null;
        }
        if (envelope.BodySectionCount > HubAmqpLimits.TelemetryBatchMessagesMax)
        {
            problem = new MessageProblem(
                ErrorCondition.MessageSizeExceeded,
                $"The batch has {envelope.BodySectionCount} messages; {HubAmqpLimits.TelemetryBatchMessagesMax} are allowed.");
            return null;
        }
        var batch = Connection.Batch;
        batch.Clear();
        long size = 0;
        foreach (var item in envelope.Data)
        {
            if (!MessageSections.TryRead(item, SectionOrder.Lenient, out var sections, out problem)
                || !Connection.Telemetry.TryRead(sections, out problem))
            {
                problem = problem with { Text = $"Message {batch.Count} of the batch: {problem.Text}" };
                return null;
            }
            size += payload.Length > HubAmqpLimits.TelemetrySizeBytesMax ? TelemetrySize.Of(sections) : 0;
            batch.Add(Connection.Telemetry.Annotations, Connection.Telemetry.AnnotationCount, Connection.Telemetry.Sections.Span);
        }
        if (size > HubAmqpLimits.TelemetrySizeBytesMax)
        {
            problem = TooLarge(size);
            return null;
        }
        Connection.Services.Metrics.EventsReceived(batch.Count, payload.Length);
        return Result(_partition.Append(_producer, batch), out problem);
    }

    private static long? Result(HubResult<long> appended, out MessageProblem problem)
    {
        problem = default;
        if (appended.Error is not { } error)
            return appended.Value;
        problem = new MessageProblem(AmqpErrors.ConditionOf(error.Code), error.Message);
        return null;
    }

    private static bool IsWithinSize(int encodedLength, in MessageSections sections, out MessageProblem problem)
    {
        problem = default;
        // What fits with its encoding fits without.
        if (encodedLength <= HubAmqpLimits.TelemetrySizeBytesMax)
            return true;
        var size = TelemetrySize.Of(sections);
        if (size <= HubAmqpLimits.TelemetrySizeBytesMax)
            return true;
        problem = TooLarge(size);
        return false;
    }

    private static MessageProblem TooLarge(long size) => new(
        ErrorCondition.MessageSizeExceeded,
        $"Message size is {size} bytes which is greater than the max size {HubAmqpLimits.TelemetrySizeBytesMax} bytes allowed.");

    private long Refuse(in IncomingDelivery delivery, MessageProblem problem)
    {
        var trackingId = Connection.TrackingId();
        Connection.Services.Metrics.EventsRejected(1);
        Connection.Services.Logger.AmqpEventRejected(
            Connection.Peer.ConnectionId, _deviceId, problem.Condition, problem.Text, trackingId);
        var receiver = (ReceiverLink)Link;
        if (delivery.Settled)
            receiver.Release(1);
        else
        {
            var error = AmqpErrors.Error(problem.Condition, problem.Text, trackingId);
            receiver.Settle(delivery.Id, delivery.Id, new Rejected { Error = error });
        }
        return -1;
    }

    /// <summary>Hears on the log's thread that a commit is done, and wakes the connection.</summary>
    private sealed class Producer(TelemetryEndpoint endpoint) : EventProducer
    {
        private readonly Lock _gate = new();
        private List<(long Commit, HubError Error)>? _failures;
        private long _committedThrough = -1;

        public long CommittedThrough => Volatile.Read(ref _committedThrough);

        public override void OnCommit(long commit, HubError? error)
        {
            if (error is not null)
            {
                lock (_gate)
                    (_failures ??= []).Add((commit, error));
            }
            Volatile.Write(ref _committedThrough, commit);
            endpoint.Connection.Wake(endpoint);
        }

        public HubError? FailureOf(long commit)
        {
            if (_failures is null)
                return null;
            lock (_gate)
            {
                var index = _failures.FindIndex(f => f.Commit == commit);
                if (index < 0)
                    return null;
                var error = _failures[index].Error;
                _failures.RemoveRange(0, index + 1);
                return error;
            }
        }
    }
}
