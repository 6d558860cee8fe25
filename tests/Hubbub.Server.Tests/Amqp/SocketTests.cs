using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Security;
using Hubbub.Server.Hosting;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>The same endpoints behind the real listeners: TLS, plain, WebSocket.</summary>
public sealed class SocketTests : IAsyncLifetime
{
    private const string Host = "localhost";
    private string _directory = "";
    private HubServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _directory = Directory.CreateTempSubdirectory("hubbub-sockets-").FullName;
        _server = await HubServer.StartAsync(
            new HubOptions
            {
                DataDirectory = _directory,
                HostNames = [Host],
                AmqpsPort = 0,
                HttpsPort = 0,
                AmqpPort = 0,
                Partitions = 1,
            },
            TimeProvider.System, new RecordingLog(), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("TLS")]
    [InlineData("plain")]
    [InlineData("WebSocket")]
    public async Task ServiceAndEvents_OverEachTransport(string transport)
    {
        await using var peer = await ConnectAsync(transport);
        var policy = PolicyOf("service");
        var outcome = await peer.SaslAsync("PLAIN", PeerSteps.Plain(
            $"service@sas.root.{Host}",
            Tokens.Sign(Host, policy, TimeProvider.System.GetUtcNow().AddHours(1), "service")));
        Assert.Equal(SaslCode.Ok, outcome.Code);
        var session = await peer.OpenAsync(hostname: Host);

        var link = await session.ReceiverAsync("/messages/events/ConsumerGroups/$Default/Partitions/0");

        Assert.Equal(ErrorCondition.LinkRedirect, link.Refusal?.Condition.Value);
        Assert.True(link.Refusal!.Info!.Value.TryGet("port", out var port));
        Assert.True(port.TryGetInt32(out var number));
        Assert.Equal(_server.Ports.Amqps, number);
        await peer.SendAsync(0, new Close().Write);
        await peer.NextAsync<Close>();
        await peer.WhenEndedAsync();
    }

    [Fact]
    public async Task Stop_ClosesOpenConnectionsAsForced()
    {
        await using var peer = await ConnectAsync("TLS");
        await peer.OpenAsync(hostname: Host);

        var stopping = _server.StopAsync();
        var close = await peer.NextAsync<Close>();
        await peer.SendAsync(0, new Close().Write);
        await stopping;

        Assert.Equal(ErrorCondition.ConnectionForced, close.Error!.Condition.Value);
        await peer.WhenEndedAsync();
    }

    private SymmetricKey PolicyOf(string name)
    {
        var text = _server.Description.ConnectionStrings[name].Split("SharedAccessKey=")[1];
        Assert.True(SymmetricKey.TryParse(text, out var key));
        return key;
    }

    private async Task<RawPeer> ConnectAsync(string transport)
    {
        var stream = transport switch
        {
            "TLS" => await TlsAsync(_server.Ports.Amqps),
            "plain" => await TcpAsync(_server.Ports.Amqp),
            _ => await WebSocketAsync(),
        };
        return new RawPeer(
            new DuplexPipe(PipeReader.Create(stream), PipeWriter.Create(stream)), Task.CompletedTask, transport);
    }

    private static async Task<Stream> TcpAsync(int port)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        return client.GetStream();
    }

    private async Task<Stream> TlsAsync(int port)
    {
        var tls = new SslStream(await TcpAsync(port));
        await tls.AuthenticateAsClientAsync(TlsOptions(), TestContext.Current.CancellationToken);
        return tls;
    }

    private async Task<Stream> WebSocketAsync()
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("AMQPWSB10");
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { SslOptions = TlsOptions() });
        await socket.ConnectAsync(
            new Uri($"wss://{Host}:{_server.Ports.Https}/$iothub/websocket"), invoker, TestContext.Current.CancellationToken);
        return WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: true);
    }

    private SslClientAuthenticationOptions TlsOptions()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificateFromFile(_server.Description.CaCertificate!));
        return new SslClientAuthenticationOptions { TargetHost = Host, CertificateChainPolicy = policy };
    }
}
