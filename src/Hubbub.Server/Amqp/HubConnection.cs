using System.IO.Pipelines;
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
    private readonly AmqpConnection _engine;
    private readonly UnprovenConnections _unproven;
    private readonly Lock _readyGate = new();
    private readonly List<LinkEndpoint> _endpoints = new(1);
    private List<LinkEndpoint> _ready = new(1);
    private List<LinkEndpoint> _working = new(1);
    private volatile bool _recheck;
    private volatile bool _areAnswersDue;
    private volatile IEventPartition? _saturated;
    private (string Condition, string Reason)? _stopReason;
    private volatile TaskCompletionSource? _stopped;
    private ITimer? _claimTimer;
    private volatile string? _deviceId;
    private volatile bool _hasManyIdentities;
    private RefusedTokens _tokensRefused;
    private RefusalLog _refusals;

    public HubConnection(AmqpServices services, AmqpPeer peer, IDuplexPipe transport, UnprovenConnections unproven)
    {
        _unproven = unproven;
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
            SaslMechanisms = SaslAuthentication.Mechanisms,
            StartedMs = ConnectionDriver.NowMs(services.Time),
        });
        Driver = new ConnectionDriver(transport, _engine, this, services.Time);
    }

    public AmqpServices Services { get; }

    public AmqpPeer Peer { get; }

    public ConnectionDriver Driver { get; }

    public AmqpConnection Engine => _engine;

    /// <summary>Its place among the connections that have proven nothing; theirs to keep.</summary>
    public LinkedListNode<UnprovenConnection>? Unproven { get; set; }

    /// <summary>What the peer has proven.</summary>
    public HubClaims Claims { get; } = new();

    /// <summary>Replies that wait for their link; null when there never were any.</summary>
    public PendingReplies? PendingReplies { get; set; }

    /// <summary>
    /// True when the peer proved itself by SASL, which cannot be done again: the credential's end is the connection's.
    /// </summary>
    public bool IsProvenBySasl { get; private set; }

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

    /// <summary>Closes the connection with a reason, and ends its links at once, whatever the peer does.</summary>
    public void Close(string condition, string reason)
    {
        if (_engine.State >= ConnectionState.CloseSent)
            return;
        Services.Logger.AmqpConnectionClosed(Peer.ConnectionId, condition, reason);
        _engine.Close(AmqpErrors.Error(condition, reason, TrackingId()));
        EndLinks(null);
    }

    /// <summary>
    /// Closes the connection once what the peer has sent so far is settled, and reads nothing more until then; from any
    /// thread.
    /// </summary>
    public void Stop(string condition, string reason) =>
        Driver.Invoke((this, condition, reason), static (_, s) => s.Item1.CloseWhenSettled(s.condition, s.reason));

    /// <summary>Adds a claim and watches over its end.</summary>
    /// <returns>False when the connection holds as many as it may.</returns>
    public bool TryAddClaim(Claim claim)
    {
        if (!Claims.TryAdd(claim))
            return false;
        _unproven.Remove(this);
        Concern(claim.DeviceId);
        WatchClaims();
        return true;
    }

    /// <summary>Adds what SASL has proven.</summary>
    public void AddSaslClaim(Claim claim)
    {
        IsProvenBySasl = true;
        TryAddClaim(claim);
    }

    /// <summary>
    /// Counts a refused token; too many in a row end the connection, for some clients retry without a pause.
    /// </summary>
    public void TokenRefused()
    {
        if (_tokensRefused.Add(ConnectionDriver.NowMs(Services.Time)) >= HubAmqpLimits.FailedTokensMax)
            Close(ErrorCondition.UnauthorizedAccess, $"{HubAmqpLimits.FailedTokensMax} tokens in a row were refused.");
    }

    public void TokenAccepted() => _tokensRefused = default;

    /// <summary>Answers to failed authentications that wait; null when there never were any.</summary>
    public DelayedAnswers? DelayedAnswers { get; set; }

    /// <summary>Has the answers given whose time has come; from any thread.</summary>
    public void AnswersDue()
    {
        _areAnswersDue = true;
        Driver.Wake();
    }

    /// <summary>Counts a refused link or event; true when it is to be logged.</summary>
    public bool IsRefusalLogged() => _refusals.Count();

    /// <summary>True when a change of a device may matter to this connection; asked from any thread.</summary>
    public bool IsConcernedBy(string deviceId) => _hasManyIdentities || _deviceId == deviceId;

    /// <summary>Sets the timer for the claim that ends next.</summary>
    public void WatchClaims()
    {
        if (Claims.NextEnd is not { } next)
            return;
        var wait = next - Services.Time.GetUtcNow() + TimeSpan.FromMilliseconds(1);
        // A timer waits at most some weeks; a token that lives longer is looked at again then.
        wait = wait > MaxTimerWait ? MaxTimerWait : wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
        if (_claimTimer is null)
            _claimTimer = Services.Time.CreateTimer(
                static self => ((HubConnection)self!).Recheck(), this, wait, Timeout.InfiniteTimeSpan);
        else
            _claimTimer.Change(wait, Timeout.InfiniteTimeSpan);
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
        Concern(endpoint.DeviceId);
    }

    /// <summary>A link is over.</summary>
    public void LinkEnded(LinkEndpoint endpoint, AmqpError? error)
    {
        if (!_endpoints.Remove(endpoint))
            return;
        if (error is not null)
        {
            var (condition, reason) = AmqpErrors.ForLog(error);
            Services.Logger.AmqpLinkEnded(Peer.ConnectionId, AmqpErrors.Shorten(endpoint.Link.Name), condition, reason);
        }
        endpoint.OnStopped();
        // What the writing side holds for the link is given back there.
        Wake(endpoint);
    }

    /// <summary>
    /// Gives back what links hold that a new one of the same name has just replaced; their own event comes later.
    /// </summary>
    public void EndDetached()
    {
        for (var i = _endpoints.Count - 1; i >= 0; i--)
        {
            if (_endpoints[i].Link.IsDetached)
                LinkEnded(_endpoints[i], null);
        }
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
            case AmqpEventKind.SaslInit:
                SaslAuthentication.OnInit(this, e.SaslInit!);
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
            case AmqpEventKind.WindowOpened:
                OnWindowOpened(e.Session!);
                break;
            case AmqpEventKind.SessionEnded:
                EndLinks(e.Session, e.Error);
                PendingReplies?.Remove(e.Session!);
                break;
            case AmqpEventKind.Closed:
                OnConnectionEnded(e.Error, e.ByPeer);
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
        if (_areAnswersDue)
        {
            _areAnswersDue = false;
            DelayedAnswers?.Run();
        }
        var kept = 0;
        for (var i = 0; i < _working.Count; i++)
        {
            var endpoint = _working[i];
            if (endpoint.OnWritable(bytesMax) && endpoint.TryQueue())
                _working[kept++] = endpoint;
        }
        _working.RemoveRange(kept, _working.Count - kept);
        if (_stopReason is { } stop && !HasInFlight())
        {
            Close(stop.Condition, stop.Reason);
            _stopReason = null;
            _stopped!.TrySetResult();
        }
        return kept > 0;
    }

    /// <inheritdoc/>
    public ValueTask WhenReadyToReadAsync(CancellationToken cancellationToken)
    {
        if (_stopped is { } stopped)
            return new ValueTask(stopped.Task.WaitAsync(cancellationToken));
        if (_saturated is not { } partition)
            return ValueTask.CompletedTask;
        _saturated = null;
        return partition.WhenNotSaturatedAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public void OnClosed(Exception? fault)
    {
        _claimTimer?.Dispose();
        DelayedAnswers?.Dispose();
        EndLinks(null);
        Prepare();
        OnWritable(0);
        if (fault is not null)
            Services.Logger.AmqpConnectionFailed(Peer.ConnectionId, fault);
    }

    private void CloseWhenSettled(string condition, string reason)
    {
        if (!HasInFlight())
        {
            Close(condition, reason);
            return;
        }
        _stopReason = (condition, reason);
        _stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private bool HasInFlight()
    {
        foreach (var endpoint in _endpoints)
        {
            if (endpoint.HasInFlight)
                return true;
        }
        return false;
    }

    private void OnConnectionEnded(AmqpError? error, bool byPeer)
    {
        if (error is not null)
        {
            var (condition, reason) = AmqpErrors.ForLog(error);
            Services.Logger.AmqpConnectionEnded(Peer.ConnectionId, byPeer ? "the peer" : "the hub", condition, reason);
        }
        EndLinks(null);
    }

    private void OnWindowOpened(AmqpSession session)
    {
        foreach (var endpoint in _endpoints)
        {
            if (endpoint.Link.Role == Role.Sender && endpoint.Link.Session == session)
                Wake(endpoint);
        }
    }

    /// <summary>The links of a session are over, or of all sessions.</summary>
    private void EndLinks(AmqpSession? session, AmqpError? error = null)
    {
        if (_endpoints.Count == 0)
            return;
        foreach (var endpoint in _endpoints.ToArray())
        {
            if (session is null || endpoint.Link.Session == session)
                LinkEnded(endpoint, error);
        }
    }

    private void Concern(string? deviceId)
    {
        if (deviceId is null || deviceId == _deviceId)
            return;
        _hasManyIdentities |= _deviceId is not null;
        _deviceId ??= deviceId;
        // A change that came between the look at the registry and this line was not told to this connection.
        Recheck();
    }

    private static readonly TimeSpan MaxTimerWait = TimeSpan.FromDays(20);
}
