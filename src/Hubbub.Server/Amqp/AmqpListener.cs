using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Server.Amqp;

/// <summary>Serves AMQP connections, whatever carries their bytes.</summary>
public sealed class AmqpListener
{
    /// <summary>Serves one connection; returns when it is over.</summary>
    /// <param name="transport">The connection's bytes, both ways.</param>
    /// <param name="peer">Who is at the other end, as far as the transport knows.</param>
    /// <param name="stopping">Set when the hub stops: close the connection with amqp:connection:forced.</param>
    public Task RunAsync(IDuplexPipe transport, AmqpPeer peer, CancellationToken stopping) =>
        throw new NotSupportedException("The AMQP endpoint is not part of this build yet.");
}

/// <summary>What a transport knows about the other end of a connection.</summary>
/// <param name="ConnectionId">Unique in this process; in log lines.</param>
/// <param name="RemoteEndPoint">The peer's address; null when the transport has none.</param>
/// <param name="IsSecure">True when TLS protects the bytes.</param>
/// <param name="TlsServerName">The server name that the peer asked for (SNI), if any.</param>
/// <param name="ClientCertificate">The certificate whose key the peer has proven to hold. No chain was checked.</param>
/// <param name="Transport">"tcp" or "websocket".</param>
public sealed record AmqpPeer(
    string ConnectionId,
    EndPoint? RemoteEndPoint,
    bool IsSecure,
    string? TlsServerName,
    X509Certificate2? ClientCertificate,
    string Transport);
