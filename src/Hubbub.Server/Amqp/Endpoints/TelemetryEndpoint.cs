using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Core.Identities;
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
    private readonly string? _modelId;
    private readonly Producer _producer;
    private readonly PendingCommits _pending = new();
    private IEventPartition _partition = null!;
    private DevicePresence.Connection? _presence;
    private string _generationId = "";
    private int _received;
    private long _receivedBytes;

    public TelemetryEndpoint(HubConnection connection, ReceiverLink link, string deviceId, string? moduleId, string? modelId)
        : base(connection, link)
    {
        (_deviceId, _moduleId, _modelId) = (deviceId, moduleId, modelId);
        _producer = new Producer(this);
    }

    public override string? DeviceId => _deviceId;

    public override string? ModuleId => _moduleId;

    public override uint Credit => HubAmqpLimits.TelemetryCredit;

    public override bool HasInFlight => !_pending.IsEmpty;

    public override bool IsPermittedBy(Claim claim) => claim.AllowsDevice(_deviceId, _moduleId, "messages/events");

    /// <summary>Takes up the work once the link is authorised.</summary>
    /// <returns>Null, or why there is nobody to send.</returns>
    public HubError? Begin()
    {
        if (FindGeneration(out var generationId) is { } problem)
            return problem;
        _generationId = generationId;
        var partitions = Connection.Services.Events.Log.Partitions;
        // All events of a device are in one partition, so that their order holds.
        _partition = partitions[PartitionHash.PartitionOf(_deviceId, partitions.Count)];
        Stamp();
        _presence = Connection.Services.Presence.Connect(_deviceId, _moduleId);
        return null;
    }

    public override void StandOn(ClaimSlot claim)
    {
        base.StandOn(claim);
        if (_generationId.Length > 0)
            Stamp();
    }

    public override HubError? WhyIdentityGone()
    {
        if (FindGeneration(out var generationId) is { } problem)
            return problem;
        return generationId == _generationId
            ? null
            : new HubError(HubErrorCode.Unauthorized, $"{Describe()} was registered anew.");
    }

    public override void OnStopped() => _presence?.Dispose();

    public override void OnDelivery(in IncomingDelivery delivery)
    {
        var appended = TelemetryIngest.Append(
            _partition, _producer, delivery.MessageFormat, delivery.Payload, out var count, out var problem);
        if (appended < 0)
        {
            Refuse(delivery, problem);
            return;
        }
        _received += count;
        _receivedBytes += delivery.Payload.Length;
        _pending.Add(appended, delivery.Id, delivery.Settled);
        if (_partition.IsSaturated)
            Connection.HoldBack(_partition);
    }

    protected override bool Pump(int outputBytesMax)
    {
        var receiver = (ReceiverLink)Link;
        if (_received > 0)
        {
            Connection.Services.Metrics.EventsReceived(_received, _receivedBytes);
            _presence?.Touch();
        }
        (_received, _receivedBytes) = (0, 0);
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

    private HubError? FindGeneration(out string generationId)
    {
        generationId = "";
        var hub = Connection.Services.Hub.Name;
        var device = Connection.Services.Registry.FindDevice(_deviceId);
        if (device is null)
        {
            return new HubError(HubErrorCode.DeviceNotFound,
                $"Device {_deviceId} at IotHub {hub} not registered. ErrorCode:DeviceNotFound");
        }
        if (!device.IsEnabled)
            return new HubError(HubErrorCode.Unauthorized, $"Device '{_deviceId}' is disabled.");
        if (_moduleId is null)
        {
            generationId = device.GenerationId;
            return null;
        }
        if (Connection.Services.Registry.FindModule(_deviceId, _moduleId) is not { } module)
        {
            return new HubError(HubErrorCode.ModuleNotFound,
                $"Module {_moduleId} of device {_deviceId} at IotHub {hub} not registered. ErrorCode:ModuleNotFound");
        }
        generationId = module.GenerationId;
        return null;
    }

    private void Stamp()
    {
        var (pairs, count) = HubAnnotations.Stamp(_deviceId, _moduleId, _generationId, Claim!.Claim.AuthMethod, _modelId);
        _producer.Stamp(pairs, count);
    }

    private string Describe() => _moduleId is null ? $"Device '{_deviceId}'" : $"Module '{_moduleId}' of device '{_deviceId}'";

    private void Refuse(in IncomingDelivery delivery, MessageProblem problem)
    {
        var trackingId = Connection.TrackingId();
        Connection.Services.Metrics.EventsRejected(1);
        if (Connection.IsRefusalLogged())
        {
            Connection.Services.Logger.AmqpEventRejected(
                Connection.Peer.ConnectionId, _deviceId, problem.Condition, problem.Text, trackingId);
        }
        var receiver = (ReceiverLink)Link;
        if (delivery.Settled)
            receiver.Release(1);
        else
        {
            var error = AmqpErrors.Error(problem.Condition, problem.Text, trackingId);
            receiver.Settle(delivery.Id, delivery.Id, new Rejected { Error = error });
        }
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
