using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text;
using CsCheck;
using Hubbub.Server.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Hosting;

public sealed class WebSocketPipeTests
{
    /// <summary>It stands still: nobody is cut off because the machine is busy.</summary>
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Input_AnySplitIntoMessages_IsOneStreamOfBytes()
    {
        var splits = Gen.Int[0, 700].Array[1, 40];
        await splits.SampleAsync(
            async lengths =>
            {
                var (client, server) = Connect();
                await using var pipe = new WebSocketPipe(server, _time);
                var bytes = Enumerable.Range(0, lengths.Sum()).Select(i => (byte)i).ToArray();
                var sending = SendAsync(client, bytes, lengths);

                var received = await ReadAsync(pipe.Input, bytes.Length);

                Assert.Equal(bytes, received);
                await sending;
                client.Dispose();
            },
            iter: 30);
    }

    [Fact]
    public async Task Output_Written_ArrivesAsBinary()
    {
        var (client, server) = Connect();
        await using var pipe = new WebSocketPipe(server, _time);

        await pipe.Output.WriteAsync(Encoding.ASCII.GetBytes("AMQP\0\x01\0\0"), Cancellation);

        var buffer = new byte[64];
        var received = await client.ReceiveAsync(buffer.AsMemory(), Cancellation);
        Assert.Equal(WebSocketMessageType.Binary, received.MessageType);
        Assert.Equal("AMQP\0\x01\0\0", Encoding.ASCII.GetString(buffer, 0, received.Count));
        client.Dispose();
    }

    [Fact]
    public async Task Input_PeerCloses_EndsAndIsAnswered()
    {
        var (client, server) = Connect();
        var pipe = new WebSocketPipe(server, _time);
        await client.SendAsync(new byte[] { 1, 2, 3 }, WebSocketMessageType.Binary, true, Cancellation);
        var closing = client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);

        Assert.Equal([1, 2, 3], await ReadAsync(pipe.Input, 3));
        Assert.True((await pipe.Input.ReadAsync(Cancellation)).IsCompleted);
        await pipe.DisposeAsync();

        await closing;
        Assert.Equal(WebSocketState.Closed, client.State);
        client.Dispose();
    }

    [Fact]
    public async Task Dispose_PeerStillSends_ClosesBothSides()
    {
        var (client, server) = Connect();
        var pipe = new WebSocketPipe(server, _time);
        var sending = client.SendAsync(new byte[300_000], WebSocketMessageType.Binary, true, Cancellation);

        var disposing = pipe.DisposeAsync();
        var received = await client.ReceiveAsync(new byte[64].AsMemory(), Cancellation);
        Assert.Equal(WebSocketMessageType.Close, received.MessageType);
        await sending;
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);

        await disposing;
        Assert.Equal(WebSocketState.Closed, client.State);
        client.Dispose();
    }

    [Fact]
    public async Task Input_TextMessage_IsRefusedWithItsReason()
    {
        var (client, server) = Connect();
        var pipe = new WebSocketPipe(server, _time);
        await client.SendAsync("AMQP"u8.ToArray(), WebSocketMessageType.Text, true, Cancellation);

        // A kind that a connection's driver takes for the peer's end; others are logged as defects of the hub.
        var end = await Assert.ThrowsAsync<ConnectionResetException>(async () => await pipe.Input.ReadAsync(Cancellation));
        Assert.Contains("binary", end.Message, StringComparison.Ordinal);
        var disposing = pipe.DisposeAsync();
        await client.ReceiveAsync(new byte[64].AsMemory(), Cancellation);

        Assert.Equal(WebSocketCloseStatus.InvalidMessageType, client.CloseStatus);
        client.Dispose();
        await disposing;
    }

    [Fact]
    public async Task Input_PeerVanishes_FailsAsAConnectionDoes()
    {
        var (client, server) = Connect();
        await using var pipe = new WebSocketPipe(server, _time);

        client.Abort();

        await Assert.ThrowsAnyAsync<IOException>(async () => await pipe.Input.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task Input_NobodyReads_HoldsThePeerBackUntilSomebodyDoes()
    {
        const int Size = 4 << 20;
        var (client, server) = Connect();
        await using var pipe = new WebSocketPipe(server, _time);

        var sending = client.SendAsync(new byte[Size], WebSocketMessageType.Binary, true, Cancellation);
        var read = await pipe.Input.ReadAtLeastAsync(HostingLimits.ReadBufferBytesMax, Cancellation);

        Assert.False(sending.IsCompleted);
        Assert.InRange(read.Buffer.Length, 0, HostingLimits.ReadBufferBytesMax * 2);
        var total = 0L;
        while (true)
        {
            total += read.Buffer.Length;
            pipe.Input.AdvanceTo(read.Buffer.End);
            if (total == Size)
                break;
            read = await pipe.Input.ReadAsync(Cancellation);
        }
        await sending;
        client.Dispose();
    }

    private static (WebSocket Client, WebSocket Server) Connect()
    {
        var toServer = new Pipe();
        var toClient = new Pipe();
        return (
            WebSocket.CreateFromStream(new DuplexStream(toClient.Reader, toServer.Writer), new() { IsServer = false }),
            WebSocket.CreateFromStream(new DuplexStream(toServer.Reader, toClient.Writer), new() { IsServer = true }));
    }

    private static async Task SendAsync(WebSocket client, byte[] bytes, int[] lengths)
    {
        var position = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            // Every third message goes on in the next frame.
            await client.SendAsync(
                bytes.AsMemory(position, lengths[i]), WebSocketMessageType.Binary, i % 3 != 0, Cancellation);
            position += lengths[i];
        }
    }

    private static async Task<byte[]> ReadAsync(PipeReader reader, int length)
    {
        if (length == 0)
            return [];
        var read = await reader.ReadAtLeastAsync(length, Cancellation);
        var bytes = read.Buffer.ToArray();
        reader.AdvanceTo(read.Buffer.End);
        return bytes;
    }

    /// <summary>One end of a connection in memory.</summary>
    private sealed class DuplexStream(PipeReader reader, PipeWriter writer) : Stream
    {
        private readonly Stream _read = reader.AsStream();
        private readonly Stream _write = writer.AsStream();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _read.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            _write.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => _write.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _read.Dispose();
            _write.Dispose();
            base.Dispose(disposing);
        }
    }
}
