using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Security;
using Hubbub.Server.Hosting;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Security;

/// <summary>A whole hub behind real TLS, and the doors at which a device with a certificate may knock.</summary>
public sealed class TlsHub : IAsyncLifetime
{
    public const string Host = "localhost";

    private readonly string _directory = Directory.CreateTempSubdirectory("hubbub-x509-").FullName;
    private readonly RecordingLog _log = new();
    private HttpClient _http = null!;
    private int _count;

    public HubServer Server { get; private set; } = null!;

    internal RecordingLog Log => _log;

    /// <summary>The last lines of the hub's log, for a failure's text.</summary>
    internal string LogTail() => string.Join(
        '\n', _log.Lines.Where(line => !line.StartsWith("Debug", StringComparison.Ordinal)).TakeLast(6));

    public async ValueTask InitializeAsync()
    {
        Server = await HubServer.StartAsync(
            new HubOptions
            {
                DataDirectory = _directory,
                HostNames = [Host],
                AmqpsPort = 0,
                HttpsPort = 0,
                AmqpPort = 0,
                Partitions = 1,
            },
            TimeProvider.System, _log, TestContext.Current.CancellationToken);
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = TlsOptions(null) })
        {
            BaseAddress = new Uri($"https://{Host}:{Server.Ports.Https}"),
        };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>An id that no other test uses.</summary>
    public string NewId(string prefix = "x509") => $"{prefix}-{Interlocked.Increment(ref _count)}";

    /// <summary>Registers a device or module: <c>d</c> or <c>d/m</c>.</summary>
    internal async Task RegisterAsync(string id, JsonObject authentication, string status = "enabled", bool isUpdate = false)
    {
        var ids = id.Split('/');
        var path = ids.Length == 1 ? $"/devices/{ids[0]}" : $"/devices/{ids[0]}/modules/{ids[1]}";
        var body = new JsonObject { ["deviceId"] = ids[0], ["authentication"] = authentication };
        if (ids.Length == 2)
            body["moduleId"] = ids[1];
        else
            body["status"] = status;
        await SendAsync(HttpMethod.Put, path, body, isUpdate ? "\"*\"" : null);
    }

    internal static JsonObject SelfSigned(string primary, string? secondary = null) => new()
    {
        ["type"] = "selfSigned",
        ["x509Thumbprint"] = new JsonObject { ["primaryThumbprint"] = primary, ["secondaryThumbprint"] = secondary },
    };

    internal static JsonObject CaSigned() => new() { ["type"] = "certificateAuthority" };

    internal static JsonObject Keys() => new() { ["type"] = "sas" };

    internal Task AddAuthorityAsync(string name, X509Certificate2 certificate) => SendAsync(
        HttpMethod.Put, $"/hubbub/certificates/{name}", new JsonObject { ["certificate"] = certificate.ExportCertificatePem() });

    internal Task RemoveAuthorityAsync(string name) => SendAsync(HttpMethod.Delete, $"/hubbub/certificates/{name}");

    internal async Task<string> SendAsync(HttpMethod method, string path, JsonObject? body = null, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, path + "?api-version=2021-04-12");
        request.Headers.TryAddWithoutValidation("Authorization", OwnerToken());
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {(int)response.StatusCode} {text}");
        return text;
    }

    internal string OwnerToken(string policy = "iothubowner")
    {
        var text = Server.Description.ConnectionStrings[policy].Split("SharedAccessKey=")[1];
        Assert.True(SymmetricKey.TryParse(text, out var key));
        return Tokens.Sign(Host, key, TimeProvider.System.GetUtcNow().AddHours(1), policy);
    }

    /// <summary>True when the bearer of a certificate gets in as this device or module (<c>d</c> or <c>d/m</c>).</summary>
    /// <param name="alone">True: nothing is sent beside the certificate.</param>
    internal async Task<bool> LetsInAsync(Door door, Issuer certificate, string id, bool alone = false)
    {
        try
        {
            if (door == Door.Https)
                return await HttpsLetsInAsync(certificate, id, alone);
            await using var peer = await ConnectAsync(door, certificate, alone);
            if (door is Door.External or Door.Anonymous)
            {
                var outcome = await peer.SaslAsync(door == Door.External ? "EXTERNAL" : "ANONYMOUS");
                if (outcome.Code != SaslCode.Ok)
                    return false;
            }
            var session = await peer.OpenAsync(hostname: Host);
            var link = await session.SenderAsync(AddressOf(id));
            return link.Refusal is null;
        }
        catch (Exception e) when (e is IOException or AuthenticationException or HttpRequestException or SocketException
            or WebSocketException)
        {
            return false;
        }
    }

    internal static string AddressOf(string id) => $"/devices/{id.Replace("/", "/modules/")}/messages/events";

    internal async Task<RawPeer> ConnectAsync(Door door, Issuer? certificate, bool alone = false)
    {
        var stream = door == Door.WebSocket
            ? await WebSocketAsync(TlsOptions(certificate, alone))
            : await TlsAsync(TlsOptions(certificate, alone));
        return new RawPeer(
            new DuplexPipe(PipeReader.Create(stream), PipeWriter.Create(stream)), Task.CompletedTask, door.ToString());
    }

    internal SslClientAuthenticationOptions TlsOptions(Issuer? certificate, bool alone = false)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificateFromFile(Server.Description.CaCertificate!));
        return new SslClientAuthenticationOptions
        {
            TargetHost = Host,
            CertificateChainPolicy = policy,
            ClientCertificateContext = certificate is null
                ? null
                : SslStreamCertificateContext.Create(
                    certificate.Certificate, alone ? null : certificate.Intermediates, offline: true),
        };
    }

    /// <summary>The head of a request, whose body the test sends itself.</summary>
    internal async Task<Stream> BeginRequestAsync(Issuer certificate, string line, int bodyLength)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Server.Ports.Https, TestContext.Current.CancellationToken);
        var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(TlsOptions(certificate), TestContext.Current.CancellationToken);
        var head = $"{line} HTTP/1.1\r\nHost: {Host}\r\nContent-Length: {bodyLength}\r\nConnection: close\r\n\r\n";
        await tls.WriteAsync(Encoding.ASCII.GetBytes(head), TestContext.Current.CancellationToken);
        return tls;
    }

    private async Task<bool> HttpsLetsInAsync(Issuer certificate, string id, bool alone)
    {
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = TlsOptions(certificate, alone) });
        var address = $"https://{Host}:{Server.Ports.Https}{AddressOf(id)}?api-version=2021-04-12";
        using var response = await http.PostAsync(address, new StringContent("x"), TestContext.Current.CancellationToken);
        return response.StatusCode != HttpStatusCode.Unauthorized;
    }

    private async Task<Stream> TlsAsync(SslClientAuthenticationOptions options)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Server.Ports.Amqps, TestContext.Current.CancellationToken);
        var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken);
        return tls;
    }

    private async Task<Stream> WebSocketAsync(SslClientAuthenticationOptions options)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("AMQPWSB10");
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { SslOptions = options });
        await socket.ConnectAsync(
            new Uri($"wss://{Host}:{Server.Ports.Https}/$iothub/websocket"), invoker, TestContext.Current.CancellationToken);
        return WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: true);
    }
}

/// <summary>How a peer with a certificate comes in.</summary>
public enum Door
{
    /// <summary>AMQP over TLS, no SASL.</summary>
    Bare,

    /// <summary>AMQP over TLS, SASL EXTERNAL.</summary>
    External,

    /// <summary>AMQP over TLS, SASL ANONYMOUS.</summary>
    Anonymous,

    /// <summary>AMQP over WebSocket, no SASL.</summary>
    WebSocket,

    /// <summary>A device's HTTPS endpoint.</summary>
    Https,
}
