using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Hubbub.Client.Connections;

/// <summary>Makes a connection: the bytes, both ways.</summary>
internal delegate Task<IDuplexPipe> Dial(
    ServerAddress address, ClientOptions options, CancellationToken cancellationToken);

/// <summary>Connects over TCP, through a proxy if there is one, and TLS on it; or over a WebSocket.</summary>
internal static class Dialer
{
    // A TLS record holds 16 KiB; a plain socket gives more at once when the server is fast.
    private const int ReadBufferBytes = 64 << 10;

    /// <exception cref="HubbubException">Unreachable, or not to be trusted.</exception>
    public static async Task<IDuplexPipe> DialAsync(
        ServerAddress address, ClientOptions options, CancellationToken cancellationToken)
    {
        using var trust = TlsTrust.Of(address, options);
        var stream = options.Transport == AmqpTransport.WebSocket
            ? await WebSocketDialer.DialAsync(address, options, trust, cancellationToken).ConfigureAwait(false)
            : await DialTcpAsync(address, options, trust, cancellationToken).ConfigureAwait(false);
        return new StreamDuplexPipe(stream, ReadBufferBytes);
    }

    /// <summary>Connects to the server, or to the proxy and through it.</summary>
    /// <exception cref="HubbubException">Unreachable.</exception>
    public static async Task<Stream> ConnectAsync(
        ServerAddress address, int port, ClientOptions options, CancellationToken cancellationToken)
    {
        var host = address.DialHostName ?? address.HostName;
        var target = new UriBuilder("https", host, port).Uri;
        if (options.Proxy?.IsBypassed(target) == false && options.Proxy.GetProxy(target) is { } proxy)
            return await HttpTunnel.OpenAsync(proxy, options.Proxy, target, address, cancellationToken)
                .ConfigureAwait(false);
        return await ConnectAsync(host, port, address, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Connects to a host.</summary>
    /// <exception cref="HubbubException">Unreachable.</exception>
    public static async Task<Stream> ConnectAsync(
        string host, int port, ServerAddress address, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host.Trim('[', ']'), port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            var why = e.SocketErrorCode switch
            {
                SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain =>
                    $"the name {host} is not known to this machine",
                SocketError.ConnectionRefused => $"nobody listens at {host}:{port}; is the hub running?",
                _ => e.Message,
            };
            throw new HubbubException(HubbubCondition.Unreachable, why, address.ToString(), null, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> DialTcpAsync(
        ServerAddress address, ClientOptions options, TlsTrust trust, CancellationToken cancellationToken)
    {
        var stream = await ConnectAsync(address, address.Port, options, cancellationToken).ConfigureAwait(false);
        if (!address.UsesTls)
            return stream;
        var tls = new SslStream(stream);
        try
        {
            await tls.AuthenticateAsClientAsync(trust.ToOptions(), cancellationToken).ConfigureAwait(false);
            return tls;
        }
        catch (Exception e)
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            if (e is AuthenticationException)
                throw trust.Untrusted(e);
            if (e is IOException)
                throw new HubbubException(
                    HubbubCondition.Unreachable, $"TLS broke off: {e.Message}", address.ToString(), null, e);
            throw;
        }
    }
}

/// <summary>A stream as two pipes; both ends completed dispose of it.</summary>
internal sealed class StreamDuplexPipe : IDuplexPipe
{
    public StreamDuplexPipe(Stream stream, int readBufferBytes)
    {
        Input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: readBufferBytes, leaveOpen: true));
        Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: false));
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }
}
