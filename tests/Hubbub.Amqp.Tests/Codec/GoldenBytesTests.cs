using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Codec;

/// <summary>What is written, byte for byte.</summary>
public sealed class GoldenBytesTests
{
    [Fact]
    public void Scalars_AreWrittenInTheirSmallestEncoding()
    {
        Assert.Equal("40", Wire.WriteHex(static (ref w) => w.WriteNull()));
        Assert.Equal("4142", Wire.WriteHex(static (ref w) => { w.WriteBoolean(true); w.WriteBoolean(false); }));
        Assert.Equal("50ff51ff", Wire.WriteHex(static (ref w) => { w.WriteUByte(255); w.WriteByte(-1); }));
        Assert.Equal("60010061ff00", Wire.WriteHex(static (ref w) => { w.WriteUShort(256); w.WriteShort(-256); }));
        Assert.Equal(
            "4352ff7000000100",
            Wire.WriteHex(static (ref w) => { w.WriteUInt(0); w.WriteUInt(255); w.WriteUInt(256); }));
        Assert.Equal(
            "4453ff800000000000000100",
            Wire.WriteHex(static (ref w) => { w.WriteULong(0); w.WriteULong(255); w.WriteULong(256); }));
        Assert.Equal(
            "5480547f7100000080",
            Wire.WriteHex(static (ref w) => { w.WriteInt(-128); w.WriteInt(127); w.WriteInt(128); }));
        Assert.Equal(
            "5580558081ffffffffffffff7f",
            Wire.WriteHex(static (ref w) => { w.WriteLong(-128); w.WriteLong(-128); w.WriteLong(-129); }));
        Assert.Equal(
            "723f800000823ff0000000000000",
            Wire.WriteHex(static (ref w) => { w.WriteFloat(1); w.WriteDouble(1); }));
        Assert.Equal("730001f600", Wire.WriteHex(static (ref w) => w.WriteChar(new Rune(0x1F600))));
        Assert.Equal("83fffffffffffffffe", Wire.WriteHex(static (ref w) => w.WriteTimestamp(new Timestamp(-2))));
        Assert.Equal(
            "9800112233445566778899aabbccddeeff",
            Wire.WriteHex(static (ref w) => w.WriteUuid(new Guid("00112233-4455-6677-8899-aabbccddeeff"))));
    }

    [Fact]
    public void Text_IsWrittenShortUpTo255Bytes()
    {
        Assert.Equal("a100", Wire.WriteHex(static (ref w) => w.WriteString("")));
        Assert.Equal("a102c3a4", Wire.WriteHex(static (ref w) => w.WriteString("ä")));
        Assert.Equal("a30161", Wire.WriteHex(static (ref w) => w.WriteSymbol("a")));
        Assert.Equal("a0020001", Wire.WriteHex(static (ref w) => w.WriteBinary([0, 1])));
        Assert.StartsWith(
            "a1ff61",
            Wire.WriteHex(static (ref w) => w.WriteString(new string('a', 255))),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "b10000010061",
            Wire.WriteHex(static (ref w) => w.WriteString(new string('a', 256))),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "b100000100c3a4",
            Wire.WriteHex(static (ref w) => w.WriteString(new string('ä', 128))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_AreNeverList0AndWidenWhenNeeded()
    {
        Assert.Equal("c00100", Wire.WriteHex(static (ref w) => w.EndList(w.BeginList(), 0)));
        Assert.Equal("005324c00100", Wire.WriteHex(static (ref w) => Accepted.Instance.Write(ref w)));
        Assert.Equal(
            "0080000000137000000ac00100",
            Wire.WriteHex(static (ref w) => w.EndList(w.BeginList(0x137000000A), 0)));
        var nearly = Wire.WriteHex(static (ref w) => WriteListOfBinary(ref w, 252));
        Assert.StartsWith("c0ff01a0fc", nearly, StringComparison.Ordinal);
        var over = Wire.WriteHex(static (ref w) => WriteListOfBinary(ref w, 253));
        Assert.StartsWith("d00000010300000001a0fd", over, StringComparison.Ordinal);
    }

    [Fact]
    public void NestedLists_WidenWithoutMovingTheirParents()
    {
        var bytes = Wire.Write(static (ref w) =>
        {
            var outer = w.BeginList();
            WriteListOfBinary(ref w, 300);
            WriteListOfBinary(ref w, 3);
            w.EndList(outer, 2);
        });
        var reader = new AmqpReader(bytes);
        Assert.Equal(2, reader.ReadListHeader(out var end));
        Assert.Equal(1, reader.ReadListHeader(out _));
        Assert.Equal(300, reader.ReadBinary().Length);
        Assert.Equal(1, reader.ReadListHeader(out _));
        Assert.Equal(3, reader.ReadBinary().Length);
        reader.ReadEnd(end);
    }

    [Fact]
    public void Lists_OfMoreThan255Elements_AreWide()
    {
        var bytes = Wire.Write(static (ref w) =>
        {
            var mark = w.BeginList();
            for (var i = 0; i < 256; i++)
                w.WriteNull();
            w.EndList(mark, 256);
        });
        Assert.Equal(FormatCode.List32, bytes[0]);
        Assert.Equal(256, new AmqpReader(bytes).ReadListHeader(out _));
    }

    [Fact]
    public void Arrays_AreNarrowWhenTheyFit()
    {
        Assert.Equal("e00602a301610162", Wire.WriteHex(static (ref w) => w.WriteSymbols(["a", "b"])));
        Assert.Equal("e00401a10130", Wire.WriteHex(static (ref w) => w.WriteStrings(["0"])));
        Assert.Equal("e00200a3", Wire.WriteHex(static (ref w) => w.WriteSymbols([])));
        var wide = Wire.Write(static (ref w) => w.WriteSymbols([new string('x', 254)]));
        Assert.Equal((FormatCode.Array32, FormatCode.Symbol32), (wide[0], wide[9]));
        var symbol = Assert.Single(Wire.Read(wide, static (ref r) => r.ReadSymbols()));
        Assert.Equal(new string('x', 254), symbol.Value);
    }

    /// <summary>
    /// A popular Python client indexes fields by position, so all of them are there and none is left out.
    /// </summary>
    [Fact]
    public void Performatives_AreWrittenWithAllFieldsAndTrailingNulls()
    {
        Assert.Equal(
            "005314c0120b52015202a0030102034341424040424242",
            Wire.WriteHex(static (ref w) => new Transfer
            {
                Handle = 1,
                DeliveryId = 2,
                DeliveryTag = new byte[] { 1, 2, 3 },
                MessageFormat = 0,
                Settled = true,
            }.Write(ref w)));
        Assert.Equal(
            "005313c0160b437000000800437000000800520143526440424240",
            Wire.WriteHex(static (ref w) => new Flow
            {
                NextIncomingId = 0,
                IncomingWindow = 2048,
                NextOutgoingId = 0,
                OutgoingWindow = 2048,
                Handle = 1,
                DeliveryCount = 0,
                LinkCredit = 100,
            }.Write(ref w)));
        Assert.Equal(
            "005315c00d064152054041005324c0010042",
            Wire.WriteHex(static (ref w) => new Disposition
            {
                Role = Role.Receiver,
                First = 5,
                Settled = true,
                State = Accepted.Instance,
            }.Write(ref w)));
        Assert.Equal("005318c0020140", Wire.WriteHex(static (ref w) => new Close().Write(ref w)));
        Assert.Equal(
            "005341c00e03a305504c41494ea00300610040",
            Wire.WriteHex(static (ref w) =>
                new SaslInit { Mechanism = "PLAIN", InitialResponse = new byte[] { 0, 97, 0 } }.Write(ref w)));
    }

    private static void WriteListOfBinary(ref AmqpWriter writer, int size)
    {
        var mark = writer.BeginList();
        writer.WriteBinary(new byte[size]);
        writer.EndList(mark, 1);
    }
}
