using System.IO.Pipelines;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Transport;

namespace Hubbub.Client.Connections;

/// <summary>
/// One AMQP connection of a client: the engine in client role behind the driver, with tasks instead of events.
/// </summary>
/// <remarks>
/// Events come under the driver's lock, and whatever touches the engine is done there. What awaits a task of this
/// class never continues under that lock.
/// </remarks>
internal sealed class AmqpClientConnection : IConnectionOwner, IAsyncDisposable
{
    private readonly ConnectionDriver _driver;
    private readonly List<ClientLink> _links = [];
    private readonly SendingLinks _senders = new();
    private readonly LinksToFlush _toFlush = new();
    private readonly List<ClientSession> _sessions = [];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AmqpConnection _engine;
    private readonly TaskCompletionSource<HubbubException> _ended =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;
    private long _heardAt;
    private bool _isRetired;
    private volatile HubbubException? _end;

    private AmqpClientConnection(ServerAddress address, IDuplexPipe pipe, SaslInit? sasl, ClientOptions options)
    {
        Address = address;
        Options = options;
        _engine = new AmqpConnection(new AmqpConnectionOptions
        {
            Role = ConnectionRole.Client,
            LocalOpen = new Open { ContainerId = Guid.NewGuid().ToString("N"), Hostname = address.HostName },
            Limits = AmqpLimits.Default with { IdleTimeoutMs = options.IdleTimeoutMs },
            SaslInit = sasl,
            StartedMs = ConnectionDriver.NowMs(options.TimeProvider),
        });
        _driver = new ConnectionDriver(pipe, _engine, this, options.TimeProvider);
        Claims = new ClaimsNode(this);
    }

    /// <summary>The server.</summary>
    public ServerAddress Address { get; }

    public ClientOptions Options { get; }

    /// <summary>The node that takes claims.</summary>
    public ClaimsNode Claims { get; }

    /// <summary>
    /// When another connection has to take its place, for the token that SASL was given expires; null for never.
    /// </summary>
    public DateTimeOffset? RenewAt { get; set; }

    /// <summary>Why the connection is over; null while it is not.</summary>
    public HubbubException? End => _end;

    /// <summary>Completes with the reason when the connection is over. Never faults.</summary>
    public Task<HubbubException> Ended => _ended.Task;

    /// <summary>Connects and opens.</summary>
    /// <param name="address">The server.</param>
    /// <param name="sasl">The SASL mechanism; null for none.</param>
    /// <param name="options">Time-outs and time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused or too slow.</exception>
    public static async Task<AmqpClientConnection> OpenAsync(
        ServerAddress address, SaslInit? sasl, ClientOptions options, CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        AmqpClientConnection? connection = null;
        try
        {
            return await OpenAsync()
                .WaitAsync(options.ConnectTimeout, options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await giveUp.CancelAsync().ConfigureAwait(false);
            connection?._driver.Abort();
            if (e is TimeoutException)
                throw Timely.TooLong(options.ConnectTimeout, address.ToString(), "connecting", e);
            throw;
        }

        async Task<AmqpClientConnection> OpenAsync()
        {
            var pipe = await options.Dial(address, options, giveUp.Token).ConfigureAwait(false);
            var dialled = connection = new AmqpClientConnection(address, pipe, sasl, options);
            dialled._running = dialled._driver.RunAsync();
            if (giveUp.IsCancellationRequested)
                dialled._driver.Abort();
            await dialled._opened.Task.ConfigureAwait(false);
            return dialled;
        }
    }

    /// <summary>Begins a session.</summary>
    public async Task<ClientSession> BeginSessionAsync(CancellationToken cancellationToken)
    {
        var session = new ClientSession();
        Invoke((this, session), static (engine, state) =>
        {
            var (self, session) = state;
            if (self._end is { } end)
            {
                session.OnEnded(end);
                return;
            }
            try
            {
                session.Start(engine.BeginSession());
                self._sessions.Add(session);
            }
            catch (InvalidOperationException e)
            {
                session.OnEnded(EndReason.TooMany(self.Address.ToString(), e));
            }
        });
        try
        {
            await WaitAsync(session.Began, Address.ToString(), "beginning a session", cancellationToken)
                .ConfigureAwait(false);
            return session;
        }
        catch
        {
            EndSession(session);
            throw;
        }
    }

    /// <summary>Ends a session, and with it its links.</summary>
    public void EndSession(ClientSession session) => Invoke((this, session), static (_, state) =>
    {
        var (self, session) = state;
        self.Forget(session, HubbubException.Closed(self.Address.ToString()));
        session.Engine?.End();
    });

    /// <summary>
    /// Waits for what the peer has to do, but not longer than the options allow. A peer that has said nothing at all
    /// meanwhile is taken for lost.
    /// </summary>
    /// <exception cref="HubbubException">It took too long.</exception>
    public async Task WaitAsync(Task task, string address, string what, CancellationToken cancellationToken)
    {
        var started = Options.TimeProvider.GetTimestamp();
        try
        {
            await task.WaitAsync(Options.OperationTimeout, Options.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            CutIfSilentSince(started);
            throw Timely.TooLong(Options, address, what, e);
        }
    }

    /// <summary>Cuts the connection when nothing has come from the peer since this timestamp.</summary>
    public void CutIfSilentSince(long timestamp)
    {
        if (Volatile.Read(ref _heardAt) <= timestamp)
            _driver.Abort();
    }

    /// <summary>Cuts the connection without a word.</summary>
    public void Abort() => _driver.Abort();

    /// <summary>Attaches a link; its task completes when the peer has taken it.</summary>
    public async Task AttachAsync(
        ClientSession session, ClientLink link, Attach attach, CancellationToken cancellationToken)
    {
        Invoke((this, session, link, attach), static (_, state) =>
        {
            var (self, session, link, attach) = state;
            if ((self._end ?? session.End) is { } end)
            {
                // It is no answer to this attach, so that another connection may well take it.
                link.OnEnded(end.Condition == HubbubCondition.Closed ? end : HubbubException.Lost(link.Address, end));
                return;
            }
            if (self._isRetired)
            {
                link.OnEnded(HubbubException.Replaced(link.Address));
                return;
            }
            try
            {
                link.Start(self, session.Engine!.Attach(attach));
            }
            catch (InvalidOperationException e)
            {
                link.OnEnded(EndReason.TooMany(link.Address, e));
                return;
            }
            self._links.Add(link);
        });
        try
        {
            await WaitAsync(link.Attached, link.Address, "attaching the link", cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Detach(link);
            throw;
        }
    }

    /// <summary>Detaches a link; it takes no more and gives no more from now on.</summary>
    public void Detach(ClientLink link) => Invoke((this, link), static (_, state) =>
    {
        var (self, link) = state;
        self.Forget(link, HubbubException.Closed(link.Address));
        // A detach that crosses the peer's attach would leave it unclear which link either means.
        if (link.Link is { State: not LinkState.AttachSent } attached)
            attached.Detach();
        self.CloseWhenDone();
    });

    /// <summary>
    /// Begins no more links, for another connection has taken the place of this one: links that come back there go when
    /// they are done, and with the last link the connection closes.
    /// </summary>
    /// <param name="isOverdue">True when what is not done is given up: sends whose answer does not come.</param>
    public void Retire(bool isOverdue) => Invoke((this, isOverdue), static (_, state) =>
    {
        var (self, isOverdue) = state;
        self._isRetired = true;
        foreach (var link in self._links.ToArray())
            link.OnRetiring(isOverdue);
        self.CloseWhenDone();
    });

    /// <summary>A link is done with this connection. Under the driver's lock.</summary>
    public void GiveBack(ClientLink link)
    {
        Forget(link, HubbubException.Replaced(link.Address));
        link.Link!.Detach();
        CloseWhenDone();
    }

    /// <summary>Does something with the engine, under its lock.</summary>
    public void Invoke<TState>(TState state, Action<AmqpConnection, TState> action) => _driver.Invoke(state, action);

    /// <summary>Says that a link has something to send. From anywhere.</summary>
    public void Wake(SendingLink link)
    {
        _senders.Wake(link);
        _driver.Wake();
    }

    /// <summary>Has <see cref="ClientLink.Flush"/> called when what is being read has been dealt with.</summary>
    public void FlushLater(ClientLink link) => _toFlush.Add(link);

    /// <summary>
    /// Closes the connection and waits for the peer's close, but not for ever; one that is over is given up at once.
    /// </summary>
    public async Task CloseAsync()
    {
        if (_ended.Task.IsCompleted)
        {
            _driver.Abort();
        }
        else
        {
            Invoke(this, static (engine, self) =>
            {
                self._end ??= HubbubException.Closed(self.Address.ToString());
                engine.Close();
            });
        }
        try
        {
            await _running.WaitAsync(Options.OperationTimeout, Options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _driver.Abort();
        }
    }

    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    void IConnectionOwner.OnEvent(in AmqpEvent e)
    {
        switch (e.Kind)
        {
            case AmqpEventKind.Opened:
                Tracing.OnOpened();
                _opened.TrySetResult();
                break;
            case AmqpEventKind.SessionBegan:
                (e.Session!.Context as ClientSession)?.OnBegan();
                break;
            case AmqpEventKind.LinkAttached when e.Link!.Context is not ClientLink:
                e.Link.Refuse(new AmqpError
                {
                    Condition = ErrorCondition.NotAllowed,
                    Description = "This client attaches its links itself.",
                });
                break;
            case AmqpEventKind.LinkAttached:
                ((ClientLink)e.Link.Context).OnAttached();
                if (_isRetired)
                    ((ClientLink)e.Link.Context).OnRetiring(isOverdue: false);
                break;
            case AmqpEventKind.LinkFlow or AmqpEventKind.Delivery
                or AmqpEventKind.DeliveryUpdated or AmqpEventKind.DeliverySettled:
                (e.Link!.Context as ClientLink)?.OnEvent(e);
                break;
            case AmqpEventKind.LinkDetached when e.Link!.Context is ClientLink link:
                if (e.Error?.Condition == ErrorCondition.UnauthorizedAccess
                    && e.Link.Session.Context is ClientSession on)
                    on.WasRefused = true;
                Forget(link, EndReason.Of(e, link.Address));
                CloseWhenDone();
                break;
            case AmqpEventKind.SessionEnded when e.Session!.Context is ClientSession session:
                Forget(session, EndReason.Of(e, Address.ToString()));
                CloseWhenDone();
                break;
            case AmqpEventKind.Closed:
                EndAll(_end ??= EndReason.Of(e, Address.ToString()));
                break;
        }
    }

    void IConnectionOwner.Prepare()
    {
    }

    bool IConnectionOwner.OnWritable(int bytesMax) => _senders.Pump(_engine.Output, bytesMax);

    ValueTask IConnectionOwner.WhenReadyToReadAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _heardAt, Options.TimeProvider.GetTimestamp());
        _toFlush.Flush();
        // What was read may have opened the session's window or given credit; only the first of them is an event.
        if (_senders.WaitForPeer)
            _driver.Wake();
        return ValueTask.CompletedTask;
    }

    void IConnectionOwner.OnClosed(Exception? fault)
    {
        var end = _end ??= HubbubException.Lost(Address.ToString(), fault);
        if (end.Condition != HubbubCondition.Closed && !end.IsReplaced)
            Tracing.OnLost();
        _opened.TrySetException(end);
        // Nobody may be waiting for it any more.
        _ = _opened.Task.Exception;
        EndAll(end);
    }

    private void EndAll(HubbubException end)
    {
        foreach (var session in _sessions)
            session.OnEnded(end);
        _sessions.Clear();
        foreach (var link in _links)
            link.OnEnded(end);
        _links.Clear();
        _ended.TrySetResult(end);
    }

    private void Forget(ClientSession session, HubbubException end)
    {
        _sessions.Remove(session);
        session.OnEnded(end);
        for (var i = _links.Count - 1; i >= 0; i--)
        {
            if (_links[i].Link?.Session == session.Engine)
                Forget(_links[i], end);
        }
    }

    private void CloseWhenDone()
    {
        if (!_isRetired || _links.Count > 0 || _end is not null)
            return;
        _end = HubbubException.Replaced(Address.ToString());
        _engine.Close();
    }

    private void Forget(ClientLink link, HubbubException end)
    {
        _links.Remove(link);
        link.OnEnded(end);
    }
}
