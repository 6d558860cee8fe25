using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>
/// The sockets of all listeners, bound before anything else is opened: a port that is taken is known at once and by
/// name, 443 can give way to 8443, and a free port is the same one for IPv4 and IPv6.
/// </summary>
internal sealed class ListenSockets : IDisposable
{
    private const int FreePortAttempts = 16;
    private readonly Dictionary<EndPoint, Socket> _sockets = [];

    private ListenSockets()
    {
    }

    public IReadOnlyList<IPEndPoint> Amqps { get; private set; } = [];

    public IReadOnlyList<IPEndPoint> Https { get; private set; } = [];

    public IReadOnlyList<IPEndPoint> Amqp { get; private set; } = [];

    /// <summary>Binds every listener's port.</summary>
    /// <exception cref="HubStartException">A port may not be bound; the text names it and the remedy.</exception>
    public static ListenSockets Bind(HubOptions options, ILogger logger)
    {
        var sockets = new ListenSockets();
        try
        {
            var addresses = options.BindAddresses ?? (options.IsLoopbackOnly ? LoopbackAddresses() : AnyAddresses());
            sockets.Amqps = sockets.Bind(addresses, options.AmqpsPort, "AMQPS", "--amqps-port");
            sockets.Https = sockets.BindHttps(addresses, options, logger);
            if (options.AmqpPort is { } amqpPort)
                sockets.Amqp = sockets.Bind(LoopbackAddresses(), amqpPort, "plain AMQP", "--amqp-port");
            return sockets;
        }
        catch
        {
            sockets.Dispose();
            throw;
        }
    }

    /// <summary>Hands a bound socket over to Kestrel, which listens on it and closes it.</summary>
    public Socket Take(EndPoint endPoint) =>
        _sockets.Remove(endPoint, out var socket)
            ? socket
            : throw new InvalidOperationException($"No socket was bound for {endPoint}.");

    public void Dispose()
    {
        foreach (var socket in _sockets.Values)
            socket.Dispose();
        _sockets.Clear();
    }

    private List<IPEndPoint> BindHttps(IReadOnlyList<IPAddress> addresses, HubOptions options, ILogger logger)
    {
        try
        {
            return Bind(addresses, options.HttpsPort, "HTTPS", "--https-port");
        }
        catch (HubStartException e) when (options.HttpsFallbackPort is not null)
        {
            var endPoints = Bind(addresses, options.HttpsFallbackPort.Value, "HTTPS", "--https-port");
            logger.HttpsPortReplaced(e.Message, endPoints[0].Port);
            return endPoints;
        }
    }

    private List<IPEndPoint> Bind(IReadOnlyList<IPAddress> addresses, int port, string purpose, string option)
    {
        for (var attempt = 1; ; attempt++)
        {
            var bound = new List<(IPEndPoint EndPoint, Socket Socket)>();
            try
            {
                var chosenPort = port;
                foreach (var address in addresses)
                {
                    var socket = BindOne(new IPEndPoint(address, chosenPort));
                    var endPoint = (IPEndPoint)socket.LocalEndPoint!;
                    bound.Add((endPoint, socket));
                    // Two sockets of Linux can be bound to one port; only one of them can listen.
                    socket.Listen(HostingLimits.ListenBacklog);
                    chosenPort = endPoint.Port;
                }
                foreach (var (endPoint, socket) in bound)
                    _sockets.Add(endPoint, socket);
                return bound.ConvertAll(pair => pair.EndPoint);
            }
            catch (SocketException e)
            {
                foreach (var (_, socket) in bound)
                    socket.Dispose();
                // A port that is free for the first address can be taken for the second.
                if (port == 0 && attempt < FreePortAttempts && e.SocketErrorCode == SocketError.AddressAlreadyInUse)
                    continue;
                throw new HubStartException(Explain(e, addresses, port, purpose, option), e);
            }
        }
    }

    private static Socket BindOne(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = endPoint.Address.Equals(IPAddress.IPv6Any);
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Explain(
        SocketException e, IReadOnlyList<IPAddress> addresses, int port, string purpose, string option)
    {
        var where = $"Port {port} ({purpose}) on {string.Join(" and ", addresses)}";
        return e.SocketErrorCode switch
        {
            SocketError.AccessDenied =>
                $"{where} may not be bound by this user; allow it with 'sudo sysctl -w "
                + $"net.ipv4.ip_unprivileged_port_start={port}' (or CAP_NET_BIND_SERVICE), "
                + $"or name another with {option} N.",
            SocketError.AddressAlreadyInUse =>
                $"{where} is in use by another program; stop that program, or name another port with {option} N.",
            SocketError.AddressNotAvailable =>
                $"{where} is no address of this machine; name one of its own with --bind ADDRESS.",
            _ => $"{where} cannot be bound: {e.Message}.",
        };
    }

    private static IPAddress[] LoopbackAddresses() =>
        CanBind(IPAddress.IPv6Loopback) ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback];

    private static IPAddress[] AnyAddresses() => [CanBind(IPAddress.IPv6Any) ? IPAddress.IPv6Any : IPAddress.Any];

    /// <summary>An operating system can know IPv6 and have no such address: containers often do.</summary>
    private static bool CanBind(IPAddress address)
    {
        if (!Socket.OSSupportsIPv6)
            return false;
        try
        {
            using var socket = BindOne(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
