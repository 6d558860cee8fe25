using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Server.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hubbub.Server.Tests.Hosting;

/// <summary>A whole hub in this process, on free ports, in a directory of its own.</summary>
internal sealed class TestHub : IAsyncDisposable
{
    private readonly TestDirectory _directory;

    private TestHub(TestDirectory directory, HubServer server) => (_directory, Server) = (directory, server);

    public HubServer Server { get; }

    public string Data => _directory.Path;

    public static async Task<TestHub> StartAsync(Func<HubOptions, HubOptions>? configure = null)
    {
        var directory = new TestDirectory();
        var options = new HubOptions
        {
            DataDirectory = directory.Path,
            AmqpsPort = 0,
            HttpsPort = 0,
            AmqpPort = 0,
        };
        var server = await HubServer.StartAsync(
            configure?.Invoke(options) ?? options, TimeProvider.System, NullLoggerFactory.Instance,
            TestContext.Current.CancellationToken);
        return new TestHub(directory, server);
    }

    public X509ChainPolicy TrustHub()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.ImportFromPemFile(Server.Description.CaCertificate!);
        return policy;
    }

    public HttpClient MakeHttpClient() => new(new SocketsHttpHandler
    {
        SslOptions = { CertificateChainPolicy = TrustHub() },
    })
    { BaseAddress = new Uri($"https://localhost:{Server.Ports.Https}") };

    /// <summary>A TLS connection to a port, authenticated unless it throws.</summary>
    public async Task<SslStream> ConnectTlsAsync(
        int port, SslProtocols protocols = SslProtocols.None, X509Certificate2? clientCertificate = null,
        string targetHost = "localhost")
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = targetHost,
                EnabledSslProtocols = protocols,
                CertificateChainPolicy = TrustHub(),
                ClientCertificates = clientCertificate is null ? null : [clientCertificate],
            },
            TestContext.Current.CancellationToken);
        return tls;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _directory.Dispose();
    }
}
