using Hubbub.Core.Security;
using Hubbub.Server.Amqp;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Hubbub.Server.Hosting;

/// <summary>Hands the connections of the AMQPS and plain AMQP listeners to the AMQP endpoint.</summary>
internal sealed class AmqpConnectionHandler(AmqpListener listener, HubMetrics metrics, CancellationToken stopping)
{
    public async Task OnConnectedAsync(ConnectionContext connection)
    {
        var tls = connection.Features.Get<ITlsHandshakeFeature>();
        var peer = new AmqpPeer(
            connection.ConnectionId,
            connection.RemoteEndPoint,
            IsSecure: tls is not null,
            TlsServerName: string.IsNullOrEmpty(tls?.HostName) ? null : tls.HostName,
            connection.Features.Get<ClientCertificate>(),
            Transport: "tcp");
        metrics.ConnectionOpened();
        try
        {
            await listener.RunAsync(connection.Transport, peer, stopping);
        }
        finally
        {
            metrics.ConnectionClosed();
        }
    }
}
