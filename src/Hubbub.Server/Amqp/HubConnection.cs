using System.IO.Pipelines;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Transport;
using Hubbub.Core.Events;
using Hubbub.Core.Security;
using Hubbub.Server.Amqp.Endpoints;

namespace Hubbub.Server.Amqp;

/// <summary>
/// One AMQP connection of the hub: it turns the engine's events into calls of endpoints, and holds what the peer has
/// proven. Everything but <see cref="Wake"/> and <see cref="Prepare"/> runs under the driver's lock.
/// </summary>
internal sealed class HubConnection : IConnectionOwner
{
    private static readonly Symbol[] Mechanisms = ["EXTERNAL", "MSSBCBS", "ANONYMOUS", "PLAIN"];
    private readonly AmqpConnection _engine;
    private readonly Lock _readyGate = new();
    private readonly List<LinkEndpoint> _endpoints = new(1);
    private List<LinkEndpoint> _ready = new(1);
    private List<LinkEndpoint> _working = new(1);
    private volatile bool _recheck;
    private volatile IEventPartition? _saturated;
    private ITimer? _claimTimer;
    private string? _endReason;
    private TelemetryMessage? _telemetry;
    private EventBatch? _batch;

    public HubConnection(AmqpServices services, AmqpPeer peer, IDuplexPipe transport)
    {
        Services = services;
        Peer = peer;
        _engine = new AmqpConnection(new AmqpConnectionOptions
        {
            Role = ConnectionRole.Server,
            LocalOpen = new Open
            {
                ContainerId = $"DeviceGateway_{Guid.NewGuid():N}",
                Hostname = services.Hub.HostNames[0],
            },
            SaslMechanisms = Mechanisms,
            StartedMs = ConnectionDriver.NowMs(services.Time),
        });
        Driver = new ConnectionDriver(transport, _engine, this, services.Time);
    }

    public AmqpServices Services { get; }

    public AmqpPeer Peer { get; }

    public ConnectionDriver Driver { get; }

    public AmqpConnection Engine => _engine;

    /// <summary>What the peer has proven.</summary>
    public HubClaims Claims { get; } = new();

    /// <summary>Scratch space for the message being taken apart; deliveries come one at a time.</summary>
    public TelemetryMessage Telemetry => _telemetry ??= new TelemetryMessage();

    /// <summary>Scratch space for the batch being taken apart.</summary>
    public EventBatch Batch => _batch ??= new EventBatch();

    /// <summary>True when the peer proved itself by SASL PLAIN: then the token's end is the connection's.</summary>
    public bool IsPlain { get; private set; }

    /// <summary>Links that are served now.</summary>
    public IReadOnlyList<LinkEndpoint> Endpoints => _endpoints;

    /// <summary>Asks the writing side to call an endpoint; from any thread, without a lock of the connection.</summary>
    public void Wake(LinkEndpoint endpoint)
    {
        if (!endpoint.TryQueue())
            return;
        lock (_readyGate)
            _ready.Add(endpoint);
        Driver.Wake();
    }

    /// <summary>Has every claim and link looked at again; from any thread.</summary>
    public void Recheck()
    {
        _recheck = true;
        Driver.Wake();
    }

    /// <summary>Reads nothing more from the peer until a partition has caught up.</summary>
    public void HoldBack(IEventPartition partition) => _saturated = partition;

    /// <summary>Closes the connection with a reason.</summary>
    public void Close(string condition, string reason)
    {
        Services.Logger.AmqpConnectionClosed(Peer.ConnectionId, condition, reason);
        _endReason ??= reason;
        _engine.Close(AmqpErrors.Error(condition, reason, TrackingId()));
    }

    /// <summary>Closes the connection, from any thread.</summary>
    public void Stop(string condition, string reason) =>
        Driver.Invoke((this, condition, reason), static (_, s) => s.Item1.Close(s.condition, s.reason));

    /// <summary>Adds a claim and watches over its end.</summary>
    public bool AddClaim(Claim claim)
    {
        if (!Claims.TryAdd(claim))
            return false;
        ArmClaimTimer();
        return true;
    }

    public string TrackingId() =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{Guid.NewGuid():N}-G:{Peer.ConnectionId}-TimeStamp:{Services.Time.GetUtcNow():MM/dd/yyyy HH:mm:ss}");

    /// <summary>Takes an accepted link into service.</summary>
    public void Serve(LinkEndpoint endpoint)
    {
        endpoint.Link.Context = endpoint;
        _endpoints.Add(endpoint);
    }

    /// <summary>A link is over.</summary>
    public void LinkEnded(LinkEndpoint endpoint, AmqpError? error)
    {
        if (!_endpoints.Remove(endpoint))
            return;
        if (error is not null)
            Services.Logger.AmqpLinkEnded(Peer.ConnectionId, endpoint.Link.Name, error.Condition.Value, error.Description ?? "");
        endpoint.OnStopped();
        // What the writing side holds for the link is given back there.
        Wake(endpoint);
    }

    /// <inheritdoc/>
    public void OnEvent(in AmqpEvent e)
    {
        switch (e.Kind)
        {
            case AmqpEventKind.Delivery:
                (e.Link!.Context as LinkEndpoint)?.OnDelivery(e.Delivery);
                break;
            case AmqpEventKind.DeliveryUpdated:
                (e.Link!.Context as LinkEndpoint)?.OnUpdated(e);
                break;
            case AmqpEventKind.LinkFlow:
                if (e.Link!.Context is LinkEndpoint flowing)
                    Wake(flowing);
                break;
            case AmqpEventKind.WindowOpened:
                foreach (var endpoint in _endpoints)
                {
                    if (endpoint.Link.Session == e.Session)
                        Wake(endpoint);
                }
                break;
            case AmqpEventKind.SaslInit:
                OnSaslInit(e.SaslInit!);
                break;
            case AmqpEventKind.Opened:
                _engine.AcceptOpen();
                break;
            case AmqpEventKind.LinkAttached:
                LinkAdmission.OnAttach(this, e.Link!);
                break;
            case AmqpEventKind.LinkDetached:
                if (e.Link!.Context is LinkEndpoint detached)
                    LinkEnded(detached, e.Error);
                break;
            case AmqpEventKind.SessionEnded:
                OnSessionEnded(e.Session!, e.Error);
                break;
            case AmqpEventKind.Closed:
                _endReason ??= e.Error is null ? null : $"{e.Error.Condition}: {e.Error.Description}";
                if (e.Error is not null)
                {
                    Services.Logger.AmqpConnectionEnded(
                        Peer.ConnectionId, e.ByPeer ? "the peer" : "the hub", e.Error.Condition.Value, e.Error.Description ?? "");
                }
                break;
        }
    }

    /// <inheritdoc/>
    public void Prepare()
    {
        lock (_readyGate)
        {
            if (_ready.Count > 0)
            {
                // What is still being worked on stays in front, what has woken since comes behind it.
                if (_working.Count == 0)
                {
                    (_working, _ready) = (_ready, _working);
                }
                else
                {
                    _working.AddRange(_ready);
                    _ready.Clear();
                }
            }
        }
        foreach (var endpoint in _working)
        {
            // From here on a wake counts again: what it tells may come too late for this round.
            endpoint.Dequeued();
            endpoint.Prepare();
        }
    }

    /// <inheritdoc/>
    public bool OnWritable(int bytesMax)
    {
        if (_recheck)
        {
            _recheck = false;
            ClaimReview.Run(this);
        }
        var kept = 0;
        for (var i = 0; i < _working.Count; i++)
        {
            var endpoint = _working[i];
            if (endpoint.OnWritable(bytesMax) && endpoint.TryQueue())
                _working[kept++] = endpoint;
        }
        _working.RemoveRange(kept, _working.Count - kept);
        return kept > 0;
    }

    /// <inheritdoc/>
    public ValueTask WhenReadyToReadAsync(CancellationToken cancellationToken)
    {
        if (_saturated is not { } partition)
            return ValueTask.CompletedTask;
        _saturated = null;
        return partition.WhenNotSaturatedAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public void OnClosed(Exception? fault)
    {
        _claimTimer?.Dispose();
        foreach (var endpoint in _endpoints.ToArray())
            LinkEnded(endpoint, null);
        Prepare();
        OnWritable(0);
        if (fault is not null)
            Services.Logger.AmqpConnectionFailed(Peer.ConnectionId, fault);
    }

    private void OnSaslInit(SaslInit init)
    {
        var code = SaslCode.Auth;
        var reason = $"SASL mechanism '{init.Mechanism}' is not offered";
        switch (init.Mechanism.Value)
        {
            case "ANONYMOUS" or "MSSBCBS":
                // Nothing is proven yet; all that such a connection may do is to put a token.
                code = SaslCode.Ok;
                break;
            case "EXTERNAL":
                reason = "EXTERNAL needs a client certificate";
                code = Peer.ClientCertificate is null ? SaslCode.Auth : SaslCode.Ok;
                break;
            case "PLAIN":
                var verified = VerifyPlain(init.InitialResponse.GetValueOrDefault().Span);
                reason = verified.Error?.Message;
                code = verified.IsOk ? SaslCode.Ok : SaslCode.Auth;
                if (verified.IsOk)
                {
                    IsPlain = true;
                    AddClaim(verified.Value);
                }
                break;
        }
        if (code != SaslCode.Ok)
        {
            Services.Metrics.AuthenticationFailed();
            Services.Logger.AmqpSaslRefused(Peer.ConnectionId, init.Mechanism.Value, reason ?? "");
        }
        _engine.CompleteSasl(code);
    }

    private Core.HubResult<Claim> VerifyPlain(ReadOnlySpan<byte> response)
    {
        var parsed = PlainCredentials.Parse(response, Services.Hub);
        return parsed.IsOk ? Services.Authenticator.Verify(parsed.Value) : parsed.Error!;
    }

    private void OnSessionEnded(AmqpSession session, AmqpError? error)
    {
        foreach (var endpoint in _endpoints.ToArray())
        {
            if (endpoint.Link.Session == session)
                LinkEnded(endpoint, error);
        }
    }

    private void ArmClaimTimer()
    {
        if (Claims.NextEnd is not { } next)
            return;
        var wait = next - Services.Time.GetUtcNow() + TimeSpan.FromMilliseconds(1);
        // A timer waits at most some weeks; a token that lives longer is looked at again then.
        if (wait > MaxTimerWait)
            wait = MaxTimerWait;
        if (wait < TimeSpan.Zero)
            wait = TimeSpan.Zero;
        if (_claimTimer is null)
            _claimTimer = Services.Time.CreateTimer(static self => ((HubConnection)self!).Recheck(), this, wait, Timeout.InfiniteTimeSpan);
        else
            _claimTimer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private static readonly TimeSpan MaxTimerWait = TimeSpan.FromDays(20);

    /// <summary>Sets the timer for the claim that ends next.</summary>
    public void ClaimsReviewed() => ArmClaimTimer();
}
