using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;

namespace Hubbub.Server.Hosting;

/// <summary>
/// A WebSocket as a stream of bytes. Message boundaries mean nothing: a message may hold part of a frame or many
/// frames. Incoming bytes are read into pooled memory only once there are some, so an idle connection holds none.
/// </summary>
internal sealed class WebSocketPipe : IDuplexPipe, IAsyncDisposable
{
    private const int ReceiveBytesMin = 4096;

    private readonly WebSocket _socket;
    private readonly TimeProvider _time;
    private readonly Pipe _received = new(new PipeOptions(
        // The consumer runs where the bytes arrive; it must not run the receiver in its own place.
        readerScheduler: PipeScheduler.Inline,
        writerScheduler: PipeScheduler.ThreadPool,
        pauseWriterThreshold: HostingLimits.ReadBufferBytesMax,
        resumeWriterThreshold: HostingLimits.ReadBufferBytesMax / 2,
        useSynchronizationContext: false));
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _receiving;
    private WebSocketCloseStatus _closeStatus = WebSocketCloseStatus.NormalClosure;

    public WebSocketPipe(WebSocket socket, TimeProvider time)
    {
        (_socket, _time) = (socket, time);
        Output = PipeWriter.Create(
            WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: false));
        _receiving = ReceiveAsync(_closing.Token);
    }

    public PipeReader Input => _received.Reader;

    public PipeWriter Output { get; }

    /// <summary>Closes: what was written is sent, then both sides say goodbye or the socket is cut.</summary>
    public async ValueTask DisposeAsync()
    {
        using var timeout = new CancellationTokenSource(HostingLimits.WebSocketCloseTimeout, _time);
        using var _ = timeout.Token.Register(static self => ((WebSocketPipe)self!)._socket.Abort(), this);
        try
        {
            await _received.Reader.CompleteAsync();
            await Output.CompleteAsync();
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await _socket.CloseOutputAsync(_closeStatus, null, timeout.Token);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException
            or ObjectDisposedException)
        {
            _socket.Abort();
        }
        await _receiving;
        _socket.Dispose();
        _closing.Dispose();
    }

    /// <summary>Moves bytes until the peer closes; once the consumer has gone they are read and dropped.</summary>
    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        var writer = _received.Writer;
        Exception? failure = null;
        var consumed = true;
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
                if (received.MessageType == WebSocketMessageType.Binary)
                {
                    if (received.EndOfMessage)
                        continue;
                    received = await _socket.ReceiveAsync(writer.GetMemory(ReceiveBytesMin), cancellationToken);
                }
                if (received.MessageType == WebSocketMessageType.Close)
                    break;
                if (received.MessageType == WebSocketMessageType.Text)
                {
                    // The peer's fault, so the end of a connection like any other: nothing that the hub has to report.
                    _closeStatus = WebSocketCloseStatus.InvalidMessageType;
                    failure = new ConnectionResetException(
                        "AMQP over WebSocket is binary; the peer sent a text message.");
                    break;
                }
                if (!consumed)
                    continue;
                writer.Advance(received.Count);
                consumed = !(await writer.FlushAsync(cancellationToken)).IsCompleted;
            }
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException
            or ObjectDisposedException)
        {
            failure = new ConnectionResetException("The WebSocket ended without being closed.", e);
        }
        await writer.CompleteAsync(failure);
    }
}
