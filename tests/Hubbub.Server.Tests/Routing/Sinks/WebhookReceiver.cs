using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hubbub.Server.Tests.Routing.Sinks;

/// <summary>One request that a webhook got.</summary>
internal sealed record WebhookRequest(string Line, Dictionary<string, string> Headers, byte[] Body, int Index);

/// <summary>
/// A web server that may do anything: the test writes the answer byte by byte. A connection ends when the answer says
/// so (false) or the other side closes it.
/// </summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<WebhookRequest, Stream, CancellationToken, Task<bool>> _answer;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;
    private int _connectionCount;
    private int _requestCount;

    public WebhookReceiver(
        Func<WebhookRequest, Stream, CancellationToken, Task<bool>> answer, X509Certificate2? certificate = null)
    {
        (_answer, _certificate) = (answer, certificate);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => $"{(_certificate is null ? "http" : "https")}://localhost:{Port}/hook?key=1";

    public ConcurrentQueue<WebhookRequest> Requests { get; } = new();

    /// <summary>Connections so far, also such that never sent a request.</summary>
    public int ConnectionCount => Volatile.Read(ref _connectionCount);

    /// <summary>Completes at the next request.</summary>
    public SemaphoreSlim Arrived { get; } = new(0);

    public static WebhookReceiver Answering(string head, X509Certificate2? certificate = null) =>
        new(
            async (_, stream, stop) =>
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head), stop);
                return true;
            },
            certificate);

    public static string Status(int status, string headers = "") => string.Create(
        CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: 0\r\n\r\n");

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stopping.Dispose();
        Arrived.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                Interlocked.Increment(ref _connectionCount);
                _connections.Add(ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            Stream stream = client.GetStream();
            if (_certificate is not null)
            {
                var tls = new SslStream(stream);
                stream = tls;
                await tls.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stopping.Token);
            }
            while (await ReadAsync(stream) is { } request)
            {
                Requests.Enqueue(request);
                Arrived.Release();
                if (!await _answer(request, stream, _stopping.Token))
                    return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException
            or System.Security.Authentication.AuthenticationException or ObjectDisposedException)
        {
        }
    }

    private async Task<WebhookRequest?> ReadAsync(Stream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head.Count < 4 || !head.TakeLast(4).SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            if (await stream.ReadAsync(one, _stopping.Token) == 0)
                return null;
            head.Add(one[0]);
        }
        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(static line => line.Split(": ", 2))
            .ToDictionary(static pair => pair[0], static pair => pair[1], StringComparer.OrdinalIgnoreCase);
        var body = new byte[int.Parse(headers["Content-Length"], CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _stopping.Token);
        return new WebhookRequest(lines[0], headers, body, _requestCount++);
    }
}
