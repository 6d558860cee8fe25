using System.Net.Http;
using System.Net.WebSockets;
using System.Security.Authentication;

namespace Hubbub.Client.Connections;

/// <summary>Connects over a WebSocket (amqp.md 1.1): a stream of bytes, whatever messages they come in.</summary>
internal static class WebSocketDialer
{
    private const string Subprotocol = "AMQPWSB10";
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    /// <exception cref="HubbubException">Unreachable, or not to be trusted.</exception>
    public static async Task<Stream> DialAsync(
        ServerAddress address, ClientOptions options, TlsTrust trust, CancellationToken cancellationToken)
    {
        var scheme = address.UsesTls ? "wss" : "ws";
        var uri = new Uri($"{scheme}://{address.TlsHostName}:{address.HttpsPort}{address.WebSocketPath}");
        // The tunnel, the host that is dialled and TLS are the same as for TCP.
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = trust.ToOptions(),
            ConnectCallback = async (context, c) =>
                await Dialer.ConnectAsync(address, context.DnsEndPoint.Port, options, c).ConfigureAwait(false),
        };
        using var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(Subprotocol);
        socket.Options.KeepAliveInterval = TimeSpan.Zero;
        try
        {
            await socket.ConnectAsync(uri, invoker, cancellationToken).ConfigureAwait(false);
            return WebSocketStream.Create(socket, WebSocketMessageType.Binary, CloseTimeout);
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is WebSocketException or HttpRequestException)
                throw Explain(e, uri, address, trust);
            throw;
        }
    }

    private static HubbubException Explain(Exception failure, Uri uri, ServerAddress address, TlsTrust trust)
    {
        for (var e = failure; e is not null; e = e.InnerException)
        {
            if (e is HubbubException known)
                return known;
            if (e is AuthenticationException)
                return trust.Untrusted(failure);
        }
        return new HubbubException(
            HubbubCondition.Unreachable, $"no WebSocket at {uri}: {failure.Message}", address.ToString(), null,
            failure);
    }
}
