using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Transport;

namespace Hubbub.Load.Commands;

/// <summary>
/// One connection with one session, on the product's own engine, so that the generator costs little. What a link
/// does is told to its handler under the connection's lock.
/// </summary>
internal sealed class LoadConnection : IConnectionOwner, IAsyncDisposable
{
    private readonly ConnectionDriver _driver;
    private readonly AmqpConnection _engine;
    private readonly TaskCompletionSource<AmqpSession> _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;
    private AmqpSession _session = null!;

    private LoadConnection(IDuplexPipe pipe, string user, string token)
    {
        _engine = new AmqpConnection(new AmqpConnectionOptions
        {
            Role = ConnectionRole.Client,
            LocalOpen = new Open { ContainerId = Guid.NewGuid().ToString("N"), Hostname = "localhost" },
            SaslInit = new SaslInit { Mechanism = "PLAIN", InitialResponse = Encoding.UTF8.GetBytes($"\0{user}\0{token}") },
            StartedMs = ConnectionDriver.NowMs(TimeProvider.System),
        });
        _driver = new ConnectionDriver(pipe, _engine, this, TimeProvider.System);
    }

    /// <summary>What a link hears; under the connection's lock.</summary>
    internal delegate void LinkHandler(in AmqpEvent e);

    /// <summary>Connects as a policy, which may act for every device.</summary>
    /// <param name="hub">The hub.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="isPlain">Without TLS.</param>
    public static async Task<LoadConnection> OpenAsync(HubUnderTest hub, string policy, bool isPlain = false)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("localhost", isPlain ? hub.AmqpPort : hub.AmqpsPort);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (!isPlain)
            stream = await SecureAsync(stream, hub);
        var connection = new LoadConnection(new StreamPipe(stream), $"{policy}@sas.root.localhost", hub.Token(policy));
        connection._running = connection._driver.RunAsync();
        connection._session = await connection._began.Task;
        return connection;
    }

    private static async Task<SslStream> SecureAsync(Stream stream, HubUnderTest hub)
    {
        var tls = new SslStream(stream);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = hub.TrustItsAuthority() });
        return tls;
    }

    /// <summary>Attaches a link and waits until the hub has taken it.</summary>
    public async Task<AmqpLink> AttachAsync(Attach attach, uint credit, LinkHandler handler)
    {
        var attached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        AmqpLink link = null!;
        _driver.Invoke(this, (_, self) =>
        {
            link = self._session.Attach(attach);
            link.Context = new Attached(handler, attached);
            (link as ReceiverLink)?.Grant(credit);
        });
        await attached.Task.WaitAsync(TimeSpan.FromSeconds(30));
        return link;
    }

    /// <summary>Does something under the lock.</summary>
    public void Invoke(Action action) => _driver.Invoke(action, static (_, act) => act());

    public async ValueTask DisposeAsync()
    {
        _driver.Invoke(this, static (engine, _) => engine.Close());
        await _running;
    }

    void IConnectionOwner.OnEvent(in AmqpEvent e)
    {
        switch (e.Kind)
        {
            case AmqpEventKind.Opened:
                _engine.BeginSession();
                break;
            case AmqpEventKind.SessionBegan:
                _began.TrySetResult(e.Session!);
                break;
            case AmqpEventKind.LinkAttached:
                ((Attached)e.Link!.Context!).Done.TrySetResult();
                break;
            case AmqpEventKind.LinkDetached when e.Error is not null:
                throw new InvalidOperationException($"The hub detached {e.Link!.Name}: {e.Error.Condition} {e.Error.Description}");
            case AmqpEventKind.Closed:
                _began.TrySetException(new IOException($"The hub closed the connection: {e.Error?.Description}"));
                break;
            default:
                if (e.Link?.Context is Attached attached)
                    attached.Handler(e);
                break;
        }
    }

    void IConnectionOwner.Prepare()
    {
    }

    bool IConnectionOwner.OnWritable(int bytesMax) => false;

    ValueTask IConnectionOwner.WhenReadyToReadAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    void IConnectionOwner.OnClosed(Exception? fault)
    {
        if (fault is not null)
            Console.Error.WriteLine($"A connection of the generator broke: {fault}");
    }

    private sealed record Attached(LinkHandler Handler, TaskCompletionSource Done);

    private sealed class StreamPipe(Stream stream) : IDuplexPipe
    {
        public PipeReader Input { get; } = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 << 10, leaveOpen: true));

        public PipeWriter Output { get; } = PipeWriter.Create(stream);
    }
}
