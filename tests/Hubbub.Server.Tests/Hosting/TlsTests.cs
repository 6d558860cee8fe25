using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Server.Tests.Hosting;

public sealed class TlsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Handshake_CurrentVersions_Succeed(SslProtocols version)
    {
        await using var hub = await TestHub.StartAsync();
        foreach (var port in (int[])[hub.Server.Ports.Amqps, hub.Server.Ports.Https])
        {
            await using var tls = await hub.ConnectTlsAsync(port, version);
            Assert.Equal(version, tls.SslProtocol);
        }
    }

    [Fact]
    public async Task Handshake_Tls11_IsRefusedWithProtocolVersion()
    {
        await using var hub = await TestHub.StartAsync();
        foreach (var port in (int[])[hub.Server.Ports.Amqps, hub.Server.Ports.Https])
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, Cancellation);
            // A ClientHello of TLS 1.1 by hand (RFC 4346 7.4.1.2): today's libraries refuse to send one.
            byte[] hello =
            [
                22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 2, .. new byte[32], 0, 0, 4, 0xC0, 0x0A, 0xC0, 0x14, 1, 0,
            ];
            await client.GetStream().WriteAsync(hello, Cancellation);

            var alert = new byte[7];
            await client.GetStream().ReadExactlyAsync(alert, Cancellation);
            Assert.Equal(21, alert[0]);
            Assert.Equal(2, alert[5]);
            Assert.Equal(70, alert[6]);
        }
    }

    [Fact]
    public async Task Handshake_AddressInsteadOfName_ShowsTheSameCertificate()
    {
        // An address is never sent as server name, so this is a client without SNI.
        await using var hub = await TestHub.StartAsync();
        await using var tls = await hub.ConnectTlsAsync(hub.Server.Ports.Amqps, targetHost: "127.0.0.1");
        Assert.True(((X509Certificate2)tls.RemoteCertificate!).MatchesHostname("localhost"));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task ClientCertificate_FromNobodyKnown_IsAskedForAndAccepted(SslProtocols version)
    {
        await using var hub = await TestHub.StartAsync();
        using var unusable = TestCertificates.SelfSigned("device1", DateTimeOffset.UtcNow);
        using var certificate = X509CertificateLoader.LoadPkcs12(unusable.Export(X509ContentType.Pkcs12), null);
        await using var tls = await hub.ConnectTlsAsync(hub.Server.Ports.Amqps, version, certificate);
        // True only when the server asked.
        Assert.Equal(certificate.Thumbprint, ((X509Certificate2?)tls.LocalCertificate)?.Thumbprint);
    }

    [Fact]
    public async Task Https_AfterAnAmqpClientCameFirst_OffersOnlyTheHttpThatItSpeaks()
    {
        await using var hub = await TestHub.StartAsync();
        await using var amqp = await hub.ConnectTlsAsync(hub.Server.Ports.Amqps);
        using var http = hub.MakeHttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/healthz")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };

        using var answer = await http.SendAsync(request, Cancellation);

        Assert.Equal((HttpVersion.Version11, HttpStatusCode.OK), (answer.Version, answer.StatusCode));
    }
}
