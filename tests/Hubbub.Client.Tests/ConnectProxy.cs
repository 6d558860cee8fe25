using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hubbub.Client.Tests;

/// <summary>An HTTP proxy on loopback that knows CONNECT, and credentials when it is told to.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly string? _credentials;
    private readonly List<Task> _serving = [];
    private readonly Task _accepting;

    public ConnectProxy(string? credentials = null)
    {
        _credentials = credentials;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Where its clients wanted to go.</summary>
    public List<string> Targets { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_serving);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped, while accepting or just before.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            using (var server = new TcpClient())
            {
                await using var near = client.GetStream();
                var head = await ReadHeadAsync(near);
                var target = head[0].Split(' ')[1];
                Targets.Add(target);
                if (_credentials is not null && !head.Contains($"Proxy-Authorization: Basic {_credentials}"))
                {
                    await near.WriteAsync("HTTP/1.1 407 Who are you?\r\n\r\n"u8.ToArray(), _stop.Token);
                    return;
                }
                var colon = target.LastIndexOf(':');
                await server.ConnectAsync(target[..colon], int.Parse(target[(colon + 1)..]), _stop.Token);
                await using var far = server.GetStream();
                await near.WriteAsync("HTTP/1.1 200 Connection established\r\nX-A: b\r\n\r\n"u8.ToArray(), _stop.Token);
                await Task.WhenAny(near.CopyToAsync(far, _stop.Token), far.CopyToAsync(near, _stop.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // Stopped, or one side has gone.
        }
    }

    private async Task<string[]> ReadHeadAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (!head.TakeLast(4).SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            await stream.ReadExactlyAsync(one, _stop.Token);
            head.Add(one[0]);
        }
        return Encoding.ASCII.GetString([.. head]).Split("\r\n");
    }
}
