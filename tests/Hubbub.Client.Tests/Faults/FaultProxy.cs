using System.Net;
using System.Net.Sockets;

namespace Hubbub.Client.Tests.Faults;

/// <summary>A TCP proxy on loopback that does to its connections what a schedule says.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    /// <summary>A slow connection is slow for so long in each direction: the handshake and some more.</summary>
    private const int SlowBytes = 5_000;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;
    private readonly Func<ConnectionFault> _next;
    private readonly Task _accepting;
    private readonly List<Task> _connections = [];

    public FaultProxy(int targetPort, Func<ConnectionFault> next)
    {
        (_target, _next) = (targetPort, next);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int ConnectionCount => _connections.Count;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                _connections.Add(ServeAsync(client, _next()));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped, while accepting or just before.
        }
    }

    private async Task ServeAsync(Socket client, ConnectionFault fault)
    {
        using var hub = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        using (client)
        {
            client.NoDelay = true;
            if (fault.IsRefused)
                return;
            try
            {
                await hub.ConnectAsync(IPAddress.Loopback, _target, ended.Token);
                // A hole is one in both directions: a network that swallows everything, not a peer that is deaf.
                using var hole = new CancellationTokenSource();
                var up = PumpAsync(
                    client, hub, fault.CutAfterUp, fault.HoleAfterUp, fault.PieceBytes, hole, ended);
                var down = PumpAsync(
                    hub, client, fault.CutAfterDown, fault.HoleAfterDown, fault.PieceBytes, hole, ended);
                await Task.WhenAll(up, down);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // Cut, or one side has gone.
            }
            if (fault.IsReset)
            {
                Reset(client);
                Reset(hub);
            }
        }
    }

    // Closing it then sends a reset.
    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (SocketException)
        {
            // It was never connected, or is gone.
        }
    }

    private static async Task PumpAsync(
        Socket from,
        Socket to,
        long cutAfter,
        long holeAfter,
        int pieceBytes,
        CancellationTokenSource hole,
        CancellationTokenSource ended)
    {
        var buffer = new byte[pieceBytes > 0 ? pieceBytes : 16_384];
        long total = 0;
        try
        {
            // A slow link: a piece a tick.
            using var slow = new PeriodicTimer(TimeSpan.FromMilliseconds(1), TimeProvider.System);
            while (true)
            {
                var count = await from.ReceiveAsync(buffer.AsMemory(), ended.Token);
                if (count == 0)
                    return;
                // In a hole the bytes are taken and are gone.
                if (hole.IsCancellationRequested)
                    continue;
                var given = (int)Math.Min(count, Math.Min(cutAfter, holeAfter) - total);
                if (given > 0)
                    await to.SendAsync(buffer.AsMemory(0, given), ended.Token);
                total += given;
                if (total >= cutAfter)
                    return;
                if (total >= holeAfter)
                    await hole.CancelAsync();
                if (pieceBytes > 0 && total < SlowBytes)
                    await slow.WaitForNextTickAsync(ended.Token);
            }
        }
        finally
        {
            await ended.CancelAsync();
        }
    }
}
