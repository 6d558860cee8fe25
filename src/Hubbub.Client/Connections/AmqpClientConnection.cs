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
    private readonly List<SendingLink> _senders = [];
    private readonly List<TaskCompletionSource<AmqpSession>> _beginning = [];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AmqpConnection _engine;
    private Task _running = Task.CompletedTask;
    private volatile HubbubException? _end;
    private volatile bool _sendsWait;

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
    }

    /// <summary>The server.</summary>
    public ServerAddress Address { get; }

    public ClientOptions Options { get; }

    /// <summary>Why the connection is over; null while it is not.</summary>
    public HubbubException? End => _end;

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
            return await Timely.AsTask(OpenAsync(), options, address.ToString(), "connecting", cancellationToken)
                .ConfigureAwait(false);
        }
        catch
        {
            await giveUp.CancelAsync().ConfigureAwait(false);
            connection?._driver.Abort();
            throw;
        }

        async Task<AmqpClientConnection> OpenAsync()
        {
            var pipe = await options.Dial(address, giveUp.Token).ConfigureAwait(false);
            var dialled = connection = new AmqpClientConnection(address, pipe, sasl, options);
            dialled._running = dialled._driver.RunAsync();
            if (giveUp.IsCancellationRequested)
                dialled._driver.Abort();
            await dialled._opened.Task.ConfigureAwait(false);
            return dialled;
        }
    }

    /// <summary>Begins a session.</summary>
    public Task<AmqpSession> BeginSessionAsync(CancellationToken cancellationToken)
    {
        var began = new TaskCompletionSource<AmqpSession>(TaskCreationOptions.RunContinuationsAsynchronously);
        Invoke((this, began), static (engine, state) =>
        {
            var (self, began) = state;
            if (self._end is { } end)
            {
                began.SetException(end);
                return;
            }
            engine.BeginSession().Context = began;
            self._beginning.Add(began);
        });
        return Timely.AsTask(began.Task, Options, Address.ToString(), "beginning a session", cancellationToken);
    }

    /// <summary>Attaches a link; its task completes when the peer has taken it.</summary>
    public async Task AttachAsync(
        AmqpSession session, ClientLink link, Attach attach, CancellationToken cancellationToken)
    {
        Invoke((this, session, link, attach), static (_, state) =>
        {
            var (self, session, link, attach) = state;
            if (self._end is { } end)
            {
                link.OnEnded(end);
                return;
            }
            if (session.State != SessionState.Mapped)
            {
                link.OnEnded(new HubbubException(HubbubCondition.Closed, "its session has ended", link.Address));
                return;
            }
            link.Start(self, session.Attach(attach));
            self._links.Add(link);
            if (link is SendingLink sender)
                self._senders.Add(sender);
        });
        try
        {
            await Timely.AsTask(link.Attached, Options, link.Address, "attaching the link", cancellationToken)
                .ConfigureAwait(false);
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
    });

    /// <summary>Does something with the engine, under its lock.</summary>
    public void Invoke<TState>(TState state, Action<AmqpConnection, TState> action) => _driver.Invoke(state, action);

    /// <summary>Says that a link has something to send.</summary>
    public void Wake() => _driver.Wake();

    /// <summary>Closes the connection and waits for the peer's close, but not for ever.</summary>
    public async Task CloseAsync()
    {
        Invoke(this, static (engine, self) =>
        {
            self._end ??= HubbubException.Closed(self.Address.ToString());
            engine.Close();
        });
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
                _opened.TrySetResult();
                break;
            case AmqpEventKind.SessionBegan when e.Session!.Context is TaskCompletionSource<AmqpSession> began:
                _beginning.Remove(began);
                began.TrySetResult(e.Session);
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
                break;
            case AmqpEventKind.Delivery or AmqpEventKind.DeliveryUpdated or AmqpEventKind.DeliverySettled:
                (e.Link!.Context as ClientLink)?.OnEvent(e);
                break;
            case AmqpEventKind.LinkDetached when e.Link!.Context is ClientLink link:
                Forget(link, Explain(e, link.Address));
                break;
            case AmqpEventKind.SessionEnded:
                OnSessionEnded(e);
                break;
            case AmqpEventKind.Closed:
                _end ??= Explain(e, Address.ToString());
                break;
        }
    }

    void IConnectionOwner.Prepare()
    {
    }

    bool IConnectionOwner.OnWritable(int bytesMax)
    {
        bool more = false, wait = false;
        foreach (var sender in _senders)
        {
            more |= sender.Pump(_engine.Output, bytesMax);
            wait |= sender.WaitsForPeer;
        }
        _sendsWait = wait;
        return more;
    }

    ValueTask IConnectionOwner.WhenReadyToReadAsync(CancellationToken cancellationToken)
    {
        // What was read may have opened the session's window or given credit; only the first of them is an event.
        if (_sendsWait)
            _driver.Wake();
        return ValueTask.CompletedTask;
    }

    void IConnectionOwner.OnClosed(Exception? fault)
    {
        var end = _end ??= HubbubException.Lost(Address.ToString(), fault);
        _opened.TrySetException(end);
        // Nobody may be waiting for it any more.
        _ = _opened.Task.Exception;
        foreach (var began in _beginning)
            began.TrySetException(end);
        _beginning.Clear();
        foreach (var link in _links)
            link.OnEnded(end);
        _links.Clear();
        _senders.Clear();
    }

    private void OnSessionEnded(in AmqpEvent e)
    {
        if (e.Session!.Context is TaskCompletionSource<AmqpSession> began && _beginning.Remove(began))
            began.TrySetException(Explain(e, Address.ToString()));
        for (var i = _links.Count - 1; i >= 0; i--)
        {
            if (_links[i].Link?.Session == e.Session)
                Forget(_links[i], Explain(e, _links[i].Address));
        }
    }

    private void Forget(ClientLink link, HubbubException end)
    {
        _links.Remove(link);
        if (link is SendingLink sender)
            _senders.Remove(sender);
        link.OnEnded(end);
    }

    private static HubbubException Explain(in AmqpEvent e, string address)
    {
        if (e.Error is { } error)
            return HubbubException.From(error, address);
        var why = e.Kind == AmqpEventKind.LinkDetached ? "the peer detached the link" : "the peer ended it";
        return new HubbubException(HubbubCondition.ConnectionLost, $"{why} without a reason", address);
    }
}
