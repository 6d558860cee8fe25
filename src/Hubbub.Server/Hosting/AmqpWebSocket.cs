using Hubbub.Core.Security;
using Hubbub.Server.Amqp;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Hosting;

/// <summary>AMQP over WebSocket (OASIS WebSocket binding): the two paths, the subprotocol, and the hand-over.</summary>
internal sealed class AmqpWebSocket(
    AmqpListener listener, HubMetrics metrics, TimeProvider time, CancellationToken stopping)
{
    /// <summary>The name that Azure's clients offer, and no other.</summary>
    public const string SubProtocol = "AMQPWSB10";

    /// <summary>True for the paths of device, service and Event Hubs clients, with or without a last slash.</summary>
    public static bool IsPath(string path)
    {
        var end = path.EndsWith('/') ? path.Length - 1 : path.Length;
        var trimmed = path.AsSpan(0, end);
        return trimmed.Equals("/$iothub/websocket", StringComparison.OrdinalIgnoreCase)
            || trimmed.Equals("/$servicebus/websocket", StringComparison.OrdinalIgnoreCase);
    }

    public async Task InvokeAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.Headers.Upgrade = "websocket";
            await RefuseAsync(context, StatusCodes.Status426UpgradeRequired,
                $"This path speaks AMQP over WebSocket only; ask for an upgrade with the subprotocol {SubProtocol}.");
            return;
        }
        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(SubProtocol, StringComparer.Ordinal))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest,
                $"The subprotocol {SubProtocol} was not among those offered.");
            return;
        }
        var peer = new AmqpPeer(
            context.Connection.Id,
            context.Connection.RemoteIpAddress is { } address
                ? new System.Net.IPEndPoint(address, context.Connection.RemotePort)
                : null,
            IsSecure: context.Request.IsHttps,
            TlsServerName: context.Features.Get<ITlsHandshakeFeature>()?.HostName is { Length: > 0 } name ? name : null,
            context.Features.Get<ClientCertificate>(),
            Transport: "websocket");
        var socket = await context.WebSockets.AcceptWebSocketAsync(SubProtocol);
        metrics.ConnectionOpened();
        try
        {
            await using var pipe = new WebSocketPipe(socket, time);
            await listener.RunAsync(pipe, peer, stopping);
        }
        finally
        {
            metrics.ConnectionClosed();
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string reason)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(reason + "\n", context.RequestAborted);
    }
}
