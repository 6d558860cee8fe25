using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Client.Tests;

/// <summary>The ways to a hub and the proofs of who one is, against the hub itself.</summary>
public sealed class TransportTests
{
    [Fact]
    public async Task WebSocket_CarriesTelemetryCommandsAndEvents()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(
            await hub.CreateDeviceAsync("d"), new() { Transport = AmqpTransport.WebSocket });
        await using var service = ServiceClient.CreateFromConnectionString(
            hub.ConnectionStringOf("service"), new() { Transport = AmqpTransport.WebSocket });
        await using var reader = EventReader.CreateFromConnectionString(
            hub.ConnectionStringOf("service"), new() { Transport = AmqpTransport.WebSocket });

        await device.SendAsync(new TelemetryMessage(new byte[200_000]), Some.Patience);
        await service.SendAsync("d", new CommandMessage("go"), Some.Patience);

        await foreach (var received in reader.ReadAsync(EventPosition.Start, Some.Patience))
        {
            Assert.Equal(200_000, received.Body.Length);
            break;
        }
        await foreach (var command in device.ReceiveCommandsAsync(Some.Patience))
        {
            await command.CompleteAsync(Some.Patience);
            break;
        }
    }

    [Theory]
    [InlineData(AmqpTransport.Tcp)]
    [InlineData(AmqpTransport.WebSocket)]
    public async Task Proxy_IsGoneThroughWithItsCredentials(AmqpTransport transport)
    {
        await using var hub = await RealHub.StartAsync();
        await using var proxy = new ConnectProxy(Convert.ToBase64String("me:secret"u8));
        var settings = new WebProxy(proxy.Address) { Credentials = new NetworkCredential("me", "secret") };
        await using var device = DeviceClient.CreateFromConnectionString(
            await hub.CreateDeviceAsync("d"), new() { Transport = transport, Proxy = settings });

        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);

        var port = transport == AmqpTransport.Tcp ? hub.AmqpsPort : hub.HttpsPort;
        Assert.Equal($"localhost:{port}", Assert.Single(proxy.Targets));
    }

    [Theory]
    [InlineData(AmqpTransport.Tcp)]
    [InlineData(AmqpTransport.WebSocket)]
    public async Task Proxy_ThatRefuses_IsNamedWithItsStatus(AmqpTransport transport)
    {
        await using var hub = await RealHub.StartAsync();
        await using var proxy = new ConnectProxy("something else");
        await using var device = DeviceClient.CreateFromConnectionString(
            await hub.CreateDeviceAsync("d"),
            new() { Transport = transport, Proxy = new WebProxy(proxy.Address), Reconnect = ReconnectPolicy.None });

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.OpenAsync(Some.Patience));

        Assert.Equal(HubbubCondition.Unreachable, refused.Condition);
        Assert.Contains("407", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proxy_ThatRefusesTheCredentials_IsNamedWithoutThem()
    {
        await using var proxy = new ConnectProxy("something else");
        var settings = new WebProxy(proxy.Address) { Credentials = new NetworkCredential("me", "secret-word") };
        await using var device = DeviceClient.CreateFromConnectionString(
            Some.Device, new() { Proxy = settings, Reconnect = ReconnectPolicy.None });

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.OpenAsync(Some.Patience));

        Assert.Contains("does not take these credentials", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(AmqpTransport.Tcp)]
    [InlineData(AmqpTransport.WebSocket)]
    public async Task Gateway_ShowsACertificateOfItsOwn_AndIsToldTheHubsName(AmqpTransport transport)
    {
        await using var hub = await RealHub.StartAsync();
        // Here the hub plays the gateway; it knows nothing of the hub that the device belongs to.
        await using var device = DeviceClient.CreateFromConnectionString(
            $"HostName=elsewhere.example;DeviceId=d;SharedAccessKey={Some.Key};GatewayHostName=localhost;{hub.Reach}",
            new() { Transport = transport, Reconnect = ReconnectPolicy.None });

        var refused = await Assert.ThrowsAsync<HubbubException>(() => device.OpenAsync(Some.Patience));

        Assert.DoesNotContain(refused.Condition, new[] { HubbubCondition.Untrusted, HubbubCondition.Unreachable });
    }

    [Theory]
    [InlineData(AmqpTransport.Tcp)]
    [InlineData(AmqpTransport.WebSocket)]
    public async Task TrustedCertificates_AreTheOnlyOnesTrusted(AmqpTransport transport)
    {
        await using var hub = await RealHub.StartAsync();
        var connectionString = WithoutCaFile(await hub.CreateDeviceAsync("d"));
        using var stranger = SelfSigned("CN=stranger");
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(hub.CaFile);

        await using var trusting = DeviceClient.CreateFromConnectionString(
            connectionString, new() { Transport = transport, TrustedCertificates = authorities });
        await trusting.SendAsync(new TelemetryMessage("x"), Some.Patience);
        await using var distrusting = DeviceClient.CreateFromConnectionString(
            connectionString, new() { Transport = transport, TrustedCertificates = [stranger] });
        var refused = await Assert.ThrowsAsync<HubbubException>(() => distrusting.OpenAsync(Some.Patience));

        Assert.Equal((HubbubCondition.Untrusted, false), (refused.Condition, refused.IsTransient));
        Assert.Contains("TrustedCertificates", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(AmqpTransport.Tcp)]
    [InlineData(AmqpTransport.WebSocket)]
    public async Task ClientCertificate_ProvesWhoTheDeviceIs(AmqpTransport transport)
    {
        await using var hub = await RealHub.StartAsync();
        using var certificate = SelfSigned("CN=d");
        using var other = SelfSigned("CN=d");
        var connectionString = await hub.CreateDeviceAsync("d", certificate.Thumbprint);
        await using var device = DeviceClient.CreateFromConnectionString(
            connectionString, new() { Transport = transport, ClientCertificate = certificate });
        await using var impostor = DeviceClient.CreateFromConnectionString(
            connectionString, new() { Transport = transport, ClientCertificate = other });

        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        var refused = await Assert.ThrowsAsync<HubbubException>(() => impostor.OpenAsync(Some.Patience));

        Assert.Equal((HubbubCondition.UnauthorizedAccess, false), (refused.Condition, refused.IsTransient));
        Assert.Throws<FormatException>(() => DeviceClient.CreateFromConnectionString(connectionString));
    }

    [Fact]
    public async Task TokenProvider_IsAskedForWhatTheTokenHasToOpen()
    {
        await using var hub = await RealHub.StartAsync();
        var known = ConnectionString.Parse(await hub.CreateDeviceAsync("d"));
        var asked = new List<string>();
        var keyless = ConnectionString.Parse($"HostName=localhost;DeviceId=d;x509=true;{hub.Reach}");
        await using var device = DeviceClient.Create(keyless, new()
        {
            TokenProvider = (resource, _) =>
            {
                asked.Add(resource);
                var expiresAt = TimeProvider.System.GetUtcNow().AddMinutes(10);
                return new(SasToken.ForIotHub(resource, known.SharedAccessKey!, null, expiresAt));
            },
        });

        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);

        Assert.Equal(["localhost/devices/d"], asked);
    }

    [Fact]
    public async Task TokenProvider_ThatFails_IsNamed()
    {
        await using var device = Some.DeviceOf(new FakeHub(), new()
        {
            TokenProvider = (_, _) => throw new InvalidOperationException("the vault is locked"),
            Reconnect = ReconnectPolicy.None,
        });

        var failed = await Assert.ThrowsAsync<HubbubException>(() => device.OpenAsync(Some.Patience));

        Assert.Equal((HubbubCondition.TokenUnavailable, true), (failed.Condition, failed.IsTransient));
        Assert.Contains("the vault is locked", failed.Message, StringComparison.Ordinal);
    }

    private static X509Certificate2 SelfSigned(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }

    private static string WithoutCaFile(string connectionString) =>
        string.Join(';', connectionString.Split(';').Where(part => !part.StartsWith("CaFile=", StringComparison.Ordinal)));
}
