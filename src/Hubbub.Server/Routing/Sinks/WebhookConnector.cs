using System.Net;
using System.Net.Sockets;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>
/// Connects a webhook's requests. The addresses that are checked are those that are connected to, at each connection:
/// a name that is looked up twice may answer differently the second time.
/// </summary>
/// <param name="policy">Whether private addresses may be connected to.</param>
/// <param name="resolve">Looks a host name up.</param>
/// <param name="time">The clock.</param>
internal sealed class WebhookConnector(
    SinkPolicy policy, Func<string, CancellationToken, Task<IPAddress[]>> resolve, TimeProvider time)
{
    public async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var target = context.DnsEndPoint;
        var addresses = IPAddress.TryParse(target.Host, out var literal)
            ? [literal]
            : await resolve(target.Host, cancellationToken);
        Exception? failure = null;
        foreach (var address in addresses)
        {
            if (!policy.AllowPrivateAddresses && !PublicAddresses.Contains(address))
            {
                failure ??= new ForbiddenAddressException(
                    $"'{target.Host}' is at {address}, which is no public address; webhooks must be at one, "
                    + "unless the hub "
                    + "is started with --allow-private-webhooks.");
                continue;
            }
            using var timeout = new CancellationTokenSource(SinkLimits.AddressTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            try
            {
                return await ConnectAsync(new IPEndPoint(address, target.Port), either.Token);
            }
            catch (SocketException unreachable)
            {
                failure = unreachable;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                failure = new SocketException((int)SocketError.TimedOut);
            }
        }
        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    private static async Task<Stream> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A name leads to where webhooks may not go.</summary>
internal sealed class ForbiddenAddressException(string message) : IOException(message);
