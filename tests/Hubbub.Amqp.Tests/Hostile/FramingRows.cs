using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;
using Hubbub.Amqp.Tests.Engine;

namespace Hubbub.Amqp.Tests.Hostile;

/// <summary>Hostile inputs 9 to 18: frames and encodings that are not AMQP close the connection.</summary>
public sealed class FramingRows
{
    [Theory]
    [InlineData(0u)]
    [InlineData(7u)]
    [InlineData(0x8000_0000u)]
    [InlineData(0xFFFF_FFFFu)]
    [InlineData(65_537u)]
    [InlineData(0x7FFF_FFFFu)]
    public void Row9_FrameSizeOutOfBounds_ClosesByItsFirstBytesAlone(uint size)
    {
        var peer = ScriptedPeer.OpenedServer();
        var head = Frames.Frame([], size: size);
        var allocated = Wire.AllocatedBytes(() => peer.Send(head));
        Assert.InRange(allocated, 0, 16_384);
        peer.ExpectClose(ErrorCondition.FramingError);
        // Where the next frame would start is not known, so nothing is read or kept any more.
        peer.Send(new Close());
        peer.Send(new byte[100_000]);
        peer.ExpectSilence();
        peer.ExpectNoEvent();
    }

    [Fact]
    public void Row9_FrameOfExactlyTheMaximum_IsTaken()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        var empty = Frames.Frame(new Transfer { Handle = 0, DeliveryId = 0, DeliveryTag = new byte[] { 1 } });
        peer.SendTransfer(0, [], tag: [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        var transfer = new Transfer { Handle = 0, DeliveryId = 1, DeliveryTag = new byte[] { 2 } };
        var room = 65_536 - Frames.Frame(transfer).Length;
        peer.Send(transfer, 0, new byte[room]);
        Assert.Equal(room, peer.ExpectEvent(AmqpEventKind.Delivery).Payload.Length);
        peer.Send(transfer with { DeliveryId = 2, DeliveryTag = new byte[] { 3 } }, 0, new byte[room + 1]);
        peer.ExpectClose(ErrorCondition.FramingError);
        Assert.True(empty.Length > 8);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(255)]
    public void Row10_DataOffsetOutOfBounds_Closes(byte doff)
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Send(Frames.Frame([], doff: doff));
        peer.ExpectClose(ErrorCondition.FramingError);
    }

    [Fact]
    public void Row10_LongestExtendedHeader_IsSkipped()
    {
        var peer = ScriptedPeer.OpenedServer();
        var begin = Frames.Encode(new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 });
        peer.Send(Frames.Frame([.. new byte[(255 * 4) - 8], .. begin], doff: 255));
        peer.Expect<Begin>();
        peer.Send(Frames.Frame(new byte[(255 * 4) - 8], doff: 255));
        peer.ExpectSilence();
        Assert.Equal(ConnectionState.Open, peer.Engine.State);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(128)]
    [InlineData(255)]
    public void Row11_FrameTypeUnknown_Closes(byte type)
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Send(Frames.Frame([], type: type));
        peer.ExpectClose(ErrorCondition.FramingError);
    }

    [Theory]
    [InlineData("40", ErrorCondition.DecodeError)]
    [InlineData("C00100", ErrorCondition.DecodeError)]
    [InlineData("00", ErrorCondition.DecodeError)]
    [InlineData("0053", ErrorCondition.DecodeError)]
    [InlineData("00531145", ErrorCondition.DecodeError)]
    [InlineData("000053105310 C00100", ErrorCondition.DecodeError)]
    [InlineData("00A10161 C00100", ErrorCondition.DecodeError)]
    [InlineData("005319C00100", ErrorCondition.NotImplemented)]
    [InlineData("005300C00100", ErrorCondition.NotImplemented)]
    [InlineData("0080FFFFFFFFFFFFFFFEC00100", ErrorCondition.NotImplemented)]
    [InlineData("00A30661:6D71703A78C00100", ErrorCondition.NotImplemented)]
    [InlineData("005341C00100", ErrorCondition.NotImplemented)]
    public void Row12_BodyThatIsNoPerformative_Closes(string hex, string condition)
    {
        foreach (var mapped in new[] { false, true })
        {
            var peer = mapped ? ScriptedPeer.MappedServer() : ScriptedPeer.OpenedServer();
            peer.Send(Frames.Frame(Wire.Bytes(hex.Replace(":", "", StringComparison.Ordinal))));
            peer.ExpectClose(condition);
        }
    }

    public static TheoryData<byte[], string> Row13OfTheConnection => new()
    {
        { Frames.List(Begin.Descriptor), ErrorCondition.DecodeError },
        { Frames.List(Begin.Descriptor, null, null, 1u, 1u), ErrorCondition.DecodeError },
        { Frames.List(Begin.Descriptor, null, 0u, null, 1u), ErrorCondition.DecodeError },
        { Frames.List(Begin.Descriptor, null, 0u, 1u), ErrorCondition.DecodeError },
    };

    [Theory]
    [MemberData(nameof(Row13OfTheConnection))]
    public void Row13_MandatoryFieldOfBeginMissing_Closes(byte[] body, string condition)
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Send(Frames.Frame(body));
        peer.ExpectClose(condition);
    }

    [Fact]
    public void Row13_OpenWithoutContainerId_Closes()
    {
        foreach (var body in new[] { Frames.List(Open.Descriptor), Frames.List(Open.Descriptor, null, "host"), Wire.Bytes("00531045") })
        {
            var peer = ScriptedPeer.OfServer();
            peer.Send([.. Frames.AmqpHeader, .. Frames.Frame(body)]);
            peer.ExpectBytes(Frames.AmqpHeader);
            peer.Expect<Open>();
            peer.ExpectClose(ErrorCondition.DecodeError);
        }
    }

    public static TheoryData<byte[]> Row13OfASession => new((byte[][])
    [
        Frames.List(Attach.Descriptor),
        Frames.List(Attach.Descriptor, null, 0u, true),
        Frames.List(Attach.Descriptor, "name", null, true),
        Frames.List(Attach.Descriptor, "name", 0u, null),
        Frames.List(Attach.Descriptor, "name", 0u),
        Frames.List(Flow.Descriptor),
        Frames.List(Flow.Descriptor, 1u, null, 1u, 1u),
        Frames.List(Flow.Descriptor, 1u, 1u, null, 1u),
        Frames.List(Flow.Descriptor, 1u, 1u, 1u),
        Frames.List(Transfer.Descriptor),
        Frames.List(Transfer.Descriptor, null, 0u),
        Frames.List(Disposition.Descriptor),
        Frames.List(Disposition.Descriptor, true),
        Frames.List(Detach.Descriptor),
    ]);

    [Theory]
    [MemberData(nameof(Row13OfASession))]
    public void Row13_MandatoryFieldOfASessionFrameMissing_EndsTheSession(byte[] body)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(Frames.Frame(body));
        peer.ExpectEnd(ErrorCondition.InvalidField);
    }

    /// <summary>The initial-delivery-count is mandatory for senders only, which the schema cannot say.</summary>
    [Fact]
    public void Row13_SenderWithoutInitialDeliveryCount_EndsTheSession()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(ScriptedPeer.SenderAttach("up") with { InitialDeliveryCount = null });
        peer.ExpectEnd(ErrorCondition.InvalidField);
    }

    public static TheoryData<byte[]> Row14Inputs => new((byte[][])
    [
        Frames.List(Begin.Descriptor, null, 0u, 1u, "window"),
        Frames.List(Begin.Descriptor, null, 0u, 1u, 1ul),
        Frames.List(Attach.Descriptor, 5u, 0u, true),
        Frames.List(Attach.Descriptor, "name", 0u, 1u),
        Frames.List(Attach.Descriptor, "name", 0u, true, (byte)3),
        Frames.List(Attach.Descriptor, "name", 0u, true, null, (byte)2),
        Frames.List(Attach.Descriptor, "name", 0u, true, null, null, "a source"),
        Frames.List(Flow.Descriptor, 1u, 1u, 1u, 1u, "handle"),
        Frames.List(Transfer.Descriptor, 0u, 0u, "tag"),
        Frames.List(Disposition.Descriptor, true, 0u, 0u, true, "state"),
        Frames.List(Disposition.Descriptor, true, 0u, 0u, true, Frames.List(0x7F)),
        Frames.List(Detach.Descriptor, 0u, 0u),
        Frames.List(End.Descriptor, "error"),
        Frames.List(Close.Descriptor, "error"),
        Frames.List(End.Descriptor, null, null),
        Frames.List(Disposition.Descriptor, true, 0u, 0u, true, null, false, null),
        Frames.List(Flow.Descriptor, 1u, 1u, 1u, 1u, null, null, null, null, false, false, null, null),
    ]);

    [Theory]
    [MemberData(nameof(Row14Inputs))]
    public void Row14_FieldOfAnotherTypeOrTooManyFields_Closes(byte[] body)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(Frames.Frame(body, channel: body[2] == Begin.Descriptor ? (ushort)1 : (ushort)0));
        peer.ExpectClose(ErrorCondition.DecodeError);
    }

    public static TheoryData<string> Row15Properties => new((string[])
    [
        "C103FF4040",
        "D1 00000008 7FFFFFFE 40404040",
        "D1 0000FFFF 00000002 A10161 40",
        "C1 04 03 A10161 40",
        "C1 09 04 A3016140 A3016140",
        "D1 FFFFFFFF 00000000",
        "C1 05 02 A10161 F0",
        "C1 0A 02 A10161 E0 00 00",
        "C1 0A 02 A10161 E0 03 FF 44",
        "C1 09 02 A10161 C0 02 FF 40",
        "C1 09 02 A10161 C0 FF 01 40",
    ]);

    [Theory]
    [MemberData(nameof(Row15Properties))]
    public void Row15_SizesAndCountsThatLie_CloseWithoutAllocatingForThem(string hex)
    {
        var peer = ScriptedPeer.MappedServer();
        var flow = Frames.Frame(Frames.List(
            Flow.Descriptor, 1u, 1u, 1u, 1u, null, null, null, null, false, false, Wire.Bytes(hex)));
        var allocated = Wire.AllocatedBytes(() => peer.Send(flow));
        Assert.InRange(allocated, 0, 16_384);
        peer.ExpectClose(ErrorCondition.DecodeError);
    }

    public static TheoryData<byte[]> Row16Values => new((byte[][])
    [
        Nested(33, Wire.Bytes("005300"), [], Wire.Bytes("40")),
        Nested(30_000, Wire.Bytes("0043"), [], Wire.Bytes("40")),
        NestedLists(33),
        NestedLists(5_000),
        Nested(33, [0x00], Wire.Bytes("40"), Wire.Bytes("5300")),
        [0x00, 0x00, 0x53, 0x00, 0x40, 0x40],
        [0x00, .. NestedLists(33), 0x40],
    ]);

    [Theory]
    [MemberData(nameof(Row16Values))]
    public void Row16_NestedTooDeep_ClosesWithoutGrowingTheStack(byte[] value)
    {
        // Once as a property's value, once as its key.
        foreach (var pair in new byte[][] { [.. Wire.Bytes("A10161"), .. value], [.. value, .. Wire.Bytes("A10161")] })
        {
            var peer = ScriptedPeer.MappedServer();
            byte[] map = [0xD1, .. BigEndian(pair.Length + 4), .. BigEndian(2), .. pair];
            peer.Send(Frames.Frame(Frames.List(
                Flow.Descriptor, 1u, 1u, 1u, 1u, null, null, null, null, false, false, map)));
            peer.ExpectClose(ErrorCondition.DecodeError);
        }
    }

    [Theory]
    [InlineData("F0 00000005 7FFFFFFF 44")]
    [InlineData("F0 00000005 05F5E100 43")]
    [InlineData("F0 00000005 FFFFFFFF 40")]
    [InlineData("F0 00000005 05F5E100 45")]
    public void Row17_ZeroWidthArrayOfManyElements_Closes(string hex)
    {
        var peer = ScriptedPeer.MappedServer();
        var value = Wire.Bytes(hex);
        byte[] map = [0xC1, (byte)(value.Length + 4), 2, .. Wire.Bytes("A10161"), .. value];
        var flow = Frames.Frame(Frames.List(
            Flow.Descriptor, 1u, 1u, 1u, 1u, null, null, null, null, false, false, map));
        Assert.InRange(Wire.AllocatedBytes(() => peer.Send(flow)), 0, 16_384);
        peer.ExpectClose(ErrorCondition.DecodeError);
    }

    [Theory]
    [InlineData("A102C328", true)]
    [InlineData("A103EDA080", true)]
    [InlineData("A30261C0", true)]
    [InlineData("A303610062", true)]
    [InlineData("7300110000", true)]
    [InlineData("730000D800", true)]
    [InlineData("7300000041", false)]
    [InlineData("8380 00000000000000", false)]
    [InlineData("837F FFFFFFFFFFFFFF", false)]
    [InlineData("727FC00000", false)]
    [InlineData("827FF8000000000001", false)]
    [InlineData("7422500000", false)]
    [InlineData("8422500000000000FF", false)]
    [InlineData("94225000000000000000000000000000FF", false)]
    public void Row18_OddScalars_CloseWhenTheyAreWrongAndPassWhenTheyAreNot(string hex, bool isWrong)
    {
        var peer = ScriptedPeer.MappedServer();
        var value = Wire.Bytes(hex);
        byte[] map = [0xC1, (byte)(value.Length + 4), 2, .. Wire.Bytes("A30161"), .. value];
        peer.Send(Frames.Frame(Frames.List(Attach.Descriptor, "up", 0u, true, null, null, null, null, null, null, null, null, null, null, map)));
        if (isWrong)
        {
            peer.ExpectClose(ErrorCondition.DecodeError);
            return;
        }
        peer.Expect<Attach>();
        var properties = peer.ExpectEvent(AmqpEventKind.LinkAttached).Link!.RemoteAttach!.Properties!.Value;
        Assert.True(properties.TryGet("a", out var passed));
        Assert.Equal(value, passed.Encoded.ToArray());
    }

    [Fact]
    public void Row18_LinkNameThatIsNotUtf8_Closes()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(Frames.Frame(Frames.List(Attach.Descriptor, Wire.Bytes("A102C328"), 0u, true)));
        peer.ExpectClose(ErrorCondition.DecodeError);
    }

    private static byte[] Nested(int depth, byte[] before, byte[] after, byte[] inner)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < depth; i++)
            bytes.AddRange(before);
        bytes.AddRange(inner);
        for (var i = 0; i < depth; i++)
            bytes.AddRange(after);
        return [.. bytes];
    }

    private static byte[] NestedLists(int depth)
    {
        var bytes = new List<byte> { 0x40 };
        for (var i = 0; i < depth; i++)
            bytes.InsertRange(0, [0xD0, .. BigEndian(bytes.Count + 4), .. BigEndian(1)]);
        return [.. bytes];
    }

    private static byte[] BigEndian(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
}
