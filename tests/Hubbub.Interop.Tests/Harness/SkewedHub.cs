using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>An HTTPS server that knows nothing but the time, and that by another clock.</summary>
internal sealed class SkewedHub : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate;
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeSpan _offset;
    private readonly Task _serving;

    /// <param name="offset">How far its clock is ahead of this machine's.</param>
    public SkewedHub(TimeSpan offset)
    {
        _offset = offset;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        _certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>What <c>hubbub doctor</c> finds, told of this hub by a connection string.</summary>
    public async Task<JsonElement[]> ExamineAsync()
    {
        var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        var result = await Cli.RunWithAsync(
            $"HostName=localhost;SharedAccessKeyName=owner;SharedAccessKey=AAAA;HttpsPort={port};AmqpsPort={port}",
            "doctor", "--json");
        return [.. result.Lines.Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;
        _certificate.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                await AnswerAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        try
        {
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stop.Token);
            if (await tls.ReadAsync(new byte[4096], _stop.Token) == 0)
                return;
            var date = (TimeProvider.System.GetUtcNow() + _offset).ToString("R", CultureInfo.InvariantCulture);
            var answer = $"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            await tls.WriteAsync(Encoding.ASCII.GetBytes(answer), _stop.Token);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // A peer that only looked at the certificate.
        }
    }
}
