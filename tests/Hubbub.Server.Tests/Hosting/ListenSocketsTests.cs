using System.Net;
using System.Net.Sockets;
using Hubbub.Server.Hosting;

namespace Hubbub.Server.Tests.Hosting;

public sealed class ListenSocketsTests
{
    private readonly RecordingLogger _logger = new();

    [Fact]
    public void Bind_HttpsPortTaken_TakesTheOtherAndNamesTheRemedy()
    {
        using var other = Occupy(out var taken);

        using var sockets = ListenSockets.Bind(FreePorts() with { HttpsPort = taken, HttpsFallbackPort = 0 }, _logger);

        Assert.NotEqual(taken, sockets.Https[0].Port);
        var line = Assert.Single(_logger.Lines).Text;
        Assert.Contains($"Port {taken}", line, StringComparison.Ordinal);
        Assert.Contains("--https-port", line, StringComparison.Ordinal);
        Assert.Contains(sockets.Https[0].Port.ToString(), line, StringComparison.Ordinal);
    }

    [Fact]
    public void Bind_HttpsPortTakenAndAskedFor_Fails()
    {
        using var other = Occupy(out var taken);

        var e = Assert.Throws<HubStartException>(
            () => ListenSockets.Bind(FreePorts() with { HttpsPort = taken, HttpsFallbackPort = null }, _logger));

        Assert.Contains($"Port {taken} (HTTPS)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bind_AmqpsPortTaken_FailsAndLeavesNothingBound()
    {
        using var other = Occupy(out var taken);
        for (var attempt = 1; ; attempt++)
        {
            using var probe = Occupy(out var https);
            probe.Dispose();

            var e = Assert.Throws<HubStartException>(
                () => ListenSockets.Bind(FreePorts() with { AmqpsPort = taken, HttpsPort = https }, _logger));

            Assert.Contains("--amqps-port", e.Message, StringComparison.Ordinal);
            using var again = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                again.Bind(new IPEndPoint(IPAddress.Loopback, https));
                again.Listen();
                return;
            }
            catch (SocketException) when (attempt < 10)
            {
                // Another program may have been given the port meanwhile; not each time.
            }
        }
    }

    [Fact]
    public void Bind_LoopbackNames_BindsLoopbackOnlyWithOnePort()
    {
        using var sockets = ListenSockets.Bind(FreePorts(), _logger);

        Assert.All(sockets.Amqps, endPoint => Assert.True(IPAddress.IsLoopback(endPoint.Address)));
        Assert.Single(sockets.Amqps.Select(endPoint => endPoint.Port).Distinct());
    }

    [Fact]
    public void Bind_PublicName_BindsEveryAddressButPlainAmqpStaysOnLoopback()
    {
        using var sockets = ListenSockets.Bind(FreePorts() with { HostNames = ["hub.example.org"] }, _logger);

        Assert.Contains(sockets.Amqps[0].Address, (IPAddress[])[IPAddress.Any, IPAddress.IPv6Any]);
        Assert.NotEmpty(sockets.Amqp);
        Assert.All(sockets.Amqp, endPoint => Assert.True(IPAddress.IsLoopback(endPoint.Address)));
    }

    [Fact]
    public void Bind_PlainAmqpOff_BindsNone()
    {
        using var sockets = ListenSockets.Bind(FreePorts() with { AmqpPort = null }, _logger);

        Assert.Empty(sockets.Amqp);
    }

    [Fact]
    public void Bind_ForeignAddress_NamesTheRemedy()
    {
        // 192.0.2.0/24 is reserved for documentation: no machine has it.
        var options = FreePorts() with { BindAddresses = [IPAddress.Parse("192.0.2.1")] };

        var e = Assert.Throws<HubStartException>(() => ListenSockets.Bind(options, _logger));

        Assert.Contains("--bind", e.Message, StringComparison.Ordinal);
    }

    private static HubOptions FreePorts() => new()
    {
        DataDirectory = "unused",
        AmqpsPort = 0,
        HttpsPort = 0,
        AmqpPort = 0,
        HttpsFallbackPort = null,
    };

    private static Socket Occupy(out int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        return socket;
    }
}
