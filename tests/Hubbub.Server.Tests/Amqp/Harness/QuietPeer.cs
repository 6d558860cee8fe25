using System.Buffers;
using System.IO.Pipelines;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>
/// A client that is nothing but its two pipes: it sends prepared bytes and reads up to a frame that is the last one.
/// For measuring what the hub keeps for it.
/// </summary>
internal sealed class QuietPeer(DuplexPipe pipe)
{
    /// <summary>SASL, open, begin and one attach in one go: what an idle device or service is.</summary>
    public static byte[] Opening(string user, string password, Attach attach)
    {
        using var bytes = new ByteBuffer();
        bytes.Write(ProtocolHeader.Sasl);
        var init = new SaslInit { Mechanism = "PLAIN", InitialResponse = PeerSteps.Plain(user, password) };
        RawPeer.AppendFrame(bytes, 0, init.Write, type: FrameType.Sasl);
        bytes.Write(ProtocolHeader.Amqp);
        RawPeer.AppendFrame(bytes, 0, new Open { ContainerId = user, Hostname = TestHub.Host }.Write);
        RawPeer.AppendFrame(
            bytes, 0, new Begin { NextOutgoingId = 0, IncomingWindow = 5_000, OutgoingWindow = 5_000 }.Write);
        RawPeer.AppendFrame(bytes, 0, attach.Write);
        return bytes.WrittenSpan.ToArray();
    }

    public async Task SendAsync(byte[] bytes) => await pipe.Output.WriteAsync(bytes, TestContext.Current.CancellationToken);

    /// <summary>Reads, and keeps nothing, until a frame with this performative has come.</summary>
    public async Task ReadUntilAsync(ulong last)
    {
        while (true)
        {
            var read = await pipe.Input.ReadAsync(TestContext.Current.CancellationToken);
            var done = Scan(read.Buffer.ToArray(), last, out var used);
            pipe.Input.AdvanceTo(read.Buffer.GetPosition(used), read.Buffer.End);
            if (done)
                return;
            Assert.False(read.IsCompleted, "The hub ended the connection.");
        }
    }

    /// <summary>Takes the whole frames that are there and counts them; allocates nothing.</summary>
    public int TakeFrames()
    {
        if (!pipe.Input.TryRead(out var read))
            return 0;
        var reader = new SequenceReader<byte>(read.Buffer);
        var count = 0;
        while (reader.TryReadBigEndian(out int size))
        {
            reader.Rewind(sizeof(int));
            if (reader.Remaining < size)
                break;
            reader.Advance(size);
            count++;
        }
        pipe.Input.AdvanceTo(reader.Position, read.Buffer.End);
        return count;
    }

    public async Task CloseAsync() => await pipe.Output.CompleteAsync();

    private static bool Scan(byte[] bytes, ulong last, out int used)
    {
        used = 0;
        var done = false;
        while (true)
        {
            var rest = bytes.AsMemory(used);
            if (rest.Length >= ProtocolHeader.Size && rest.Span.StartsWith("AMQP"u8))
            {
                used += ProtocolHeader.Size;
                continue;
            }
            var size = FrameReader.Read(rest, uint.MaxValue >> 1, out var frame);
            if (size == 0)
                return done;
            used += size;
            var reader = new AmqpReader(frame.Body);
            done |= !frame.Body.IsEmpty && reader.ReadDescriptor() == last;
        }
    }
}
