using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Messages;
using Hubbub.Server.Routing;

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
    private readonly SenderRoutes _routes;
    private readonly PendingCommits _pending = new();
    private DevicePresence.Connection? _presence;
    private string _generationId = "";
    private int _received;
    private long _receivedBytes;

    public TelemetryEndpoint(
        HubConnection connection, ReceiverLink link, string deviceId, string? moduleId, string? modelId)
        : base(connection, link)
    {
        (_deviceId, _moduleId, _modelId) = (deviceId, moduleId, modelId);
        _routes = new SenderRoutes(connection.Services.Router, deviceId, () => Connection.Wake(this));
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
        if (!TelemetryIngest.Append(_routes, delivery.MessageFormat, delivery.Payload, out var count, out var problem))
        {
            Refuse(delivery, problem);
            return;
        }
        _received += count;
        _receivedBytes += delivery.Payload.Length;
        _pending.Add(_routes.Commits, delivery.Id, delivery.Settled);
        // What nobody wants waits for no commit that would wake the writing side.
        if (_routes.Commits.IsEmpty)
            Connection.Wake(this);
        if (_routes.Saturated is { } partition)
            Connection.HoldBack(partition);
    }

    protected override bool Pump(int outputBytesMax)
    {
        if (_received > 0)
        {
            Connection.Services.Metrics.EventsReceived(_received, _receivedBytes);
            _presence?.Touch();
        }
        (_received, _receivedBytes) = (0, 0);
        var accepted = default(PendingCommits.Entry?);
        while (_pending.TryTake(out var batch))
        {
            if (batch.Failure() is not { } error)
            {
                // Of several streams each has its own commits; what is done by now is still one disposition.
                accepted = accepted is { } before
                    ? before with { LastId = batch.LastId, Settled = before.Settled + batch.Settled }
                    : batch;
                continue;
            }
            Settle(accepted, Accepted.Instance);
            accepted = null;
            Connection.Services.Metrics.EventsRejected(batch.Deliveries);
            Settle(batch, new Rejected { Error = error.ToAmqp(Connection.TrackingId()) });
        }
        Settle(accepted, Accepted.Instance);
        return false;
    }

    private void Settle(PendingCommits.Entry? batch, DeliveryState state)
    {
        if (batch is not { } settled)
            return;
        var receiver = (ReceiverLink)Link;
        receiver.Settle(settled.FirstId, settled.LastId, state);
        if (settled.Settled > 0)
            receiver.Release((uint)settled.Settled);
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
        var authMethod = Claim!.Claim.AuthMethod;
        var (pairs, count) = HubAnnotations.Stamp(_deviceId, _moduleId, _generationId, authMethod, _modelId);
        var sender = new TelemetrySender(
            Connection.Services.Time, _deviceId, _moduleId, _generationId, authMethod, _modelId);
        _routes.Describe(sender, pairs, count);
    }

    private string Describe() =>
        _moduleId is null ? $"Device '{_deviceId}'" : $"Module '{_moduleId}' of device '{_deviceId}'";

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
}
