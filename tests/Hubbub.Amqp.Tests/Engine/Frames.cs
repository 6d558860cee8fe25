using System.Buffers.Binary;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Builds frames as peers send them, well formed and otherwise, and reads those of the engine.</summary>
internal static class Frames
{
    public static readonly byte[] AmqpHeader = ProtocolHeader.Amqp.ToArray();
    public static readonly byte[] SaslHeader = ProtocolHeader.Sasl.ToArray();

    /// <summary>A frame around any body; size, data offset and type may lie.</summary>
    public static byte[] Frame(byte[] body, ushort channel = 0, byte type = 0, byte doff = 2, uint? size = null)
    {
        var frame = new byte[8 + body.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, size ?? (uint)frame.Length);
        frame[4] = doff;
        frame[5] = type;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(6), channel);
        body.CopyTo(frame, 8);
        return frame;
    }

    /// <summary>A frame with a performative and, behind it, a payload.</summary>
    public static byte[] Frame(object performative, ushort channel = 0, byte[]? payload = null) => Frame(
        [.. Encode(performative), .. payload ?? []],
        channel,
        performative is SaslMechanisms or SaslInit or SaslChallenge or SaslResponse or SaslOutcome
            ? FrameType.Sasl
            : FrameType.Amqp);

    /// <summary>A performative of any fields: what the typed ones would not let through.</summary>
    public static byte[] List(ulong descriptor, params object?[] fields) => Write(buffer =>
    {
        var writer = new AmqpWriter(buffer);
        var mark = writer.BeginList(descriptor);
        foreach (var field in fields)
            WriteField(ref writer, field);
        writer.EndList(mark, fields.Length);
    });

    public static byte[] Encode(object performative) => Write(buffer =>
    {
        var writer = new AmqpWriter(buffer);
        WritePerformative(ref writer, performative);
    });

    public static object Decode(ReadOnlyMemory<byte> body, out byte[] payload)
    {
        var reader = new AmqpReader(body);
        object performative = reader.ReadDescriptor() switch
        {
            Open.Descriptor => Open.Read(ref reader),
            Begin.Descriptor => Begin.Read(ref reader),
            Attach.Descriptor => Attach.Read(ref reader),
            Flow.Descriptor => Flow.Read(ref reader),
            Transfer.Descriptor => Transfer.Read(ref reader),
            Disposition.Descriptor => Disposition.Read(ref reader),
            Detach.Descriptor => Detach.Read(ref reader),
            End.Descriptor => End.Read(ref reader),
            Close.Descriptor => Close.Read(ref reader),
            SaslMechanisms.Descriptor => SaslMechanisms.Read(ref reader),
            SaslInit.Descriptor => SaslInit.Read(ref reader),
            SaslOutcome.Descriptor => SaslOutcome.Read(ref reader),
            var other => throw new InvalidOperationException($"The engine sent performative 0x{other:x}."),
        };
        payload = body[reader.Position..].ToArray();
        return performative;
    }

    private static void WritePerformative(ref AmqpWriter writer, object performative)
    {
        switch (performative)
        {
            case byte[] encoded: writer.WriteEncoded(encoded); break;
            case Open open: open.Write(ref writer); break;
            case Begin begin: begin.Write(ref writer); break;
            case Attach attach: attach.Write(ref writer); break;
            case Flow flow: flow.Write(ref writer); break;
            case Transfer transfer: transfer.Write(ref writer); break;
            case Disposition disposition: disposition.Write(ref writer); break;
            case Detach detach: detach.Write(ref writer); break;
            case End end: end.Write(ref writer); break;
            case Close close: close.Write(ref writer); break;
            case SaslMechanisms mechanisms: mechanisms.Write(ref writer); break;
            case SaslInit init: init.Write(ref writer); break;
            case SaslChallenge challenge: challenge.Write(ref writer); break;
            case SaslResponse response: response.Write(ref writer); break;
            case SaslOutcome outcome: outcome.Write(ref writer); break;
            default: throw new ArgumentException($"{performative.GetType()} is no performative.", nameof(performative));
        }
    }

    private static void WriteField(ref AmqpWriter writer, object? field)
    {
        switch (field)
        {
            case null: writer.WriteNull(); break;
            case bool value: writer.WriteBoolean(value); break;
            case byte value: writer.WriteUByte(value); break;
            case ushort value: writer.WriteUShort(value); break;
            case uint value: writer.WriteUInt(value); break;
            case ulong value: writer.WriteULong(value); break;
            case string value: writer.WriteString(value); break;
            case Symbol value: writer.WriteSymbol(value); break;
            case byte[] encoded: writer.WriteEncoded(encoded); break;
            default: throw new ArgumentException($"{field.GetType()} is no field.", nameof(field));
        }
    }

    private static byte[] Write(Action<ByteBuffer> write)
    {
        using var buffer = new ByteBuffer();
        write(buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
