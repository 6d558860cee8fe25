using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Codec;

/// <summary>Every encoding that a type has is read.</summary>
public sealed class AmqpReaderTests
{
    [Theory]
    [InlineData("43", 0u)]
    [InlineData("5200", 0u)]
    [InlineData("52ff", 255u)]
    [InlineData("7000000001", 1u)]
    [InlineData("70ffffffff", uint.MaxValue)]
    public void UInt_InAnyEncoding_IsRead(string hex, uint expected) =>
        Assert.Equal(expected, Wire.ReadHex(hex, static (ref r) => r.ReadUInt()));

    [Theory]
    [InlineData("44", 0ul)]
    [InlineData("53ff", 255ul)]
    [InlineData("80ffffffffffffffff", ulong.MaxValue)]
    public void ULong_InAnyEncoding_IsRead(string hex, ulong expected) =>
        Assert.Equal(expected, Wire.ReadHex(hex, static (ref r) => r.ReadULong()));

    [Theory]
    [InlineData("5480", -128)]
    [InlineData("7180000000", int.MinValue)]
    public void Int_InAnyEncoding_IsRead(string hex, int expected) =>
        Assert.Equal(expected, Wire.ReadHex(hex, static (ref r) => r.ReadInt()));

    [Theory]
    [InlineData("5580", -128L)]
    [InlineData("818000000000000000", long.MinValue)]
    public void Long_InAnyEncoding_IsRead(string hex, long expected) =>
        Assert.Equal(expected, Wire.ReadHex(hex, static (ref r) => r.ReadLong()));

    [Theory]
    [InlineData("41", true)]
    [InlineData("42", false)]
    [InlineData("5601", true)]
    [InlineData("5600", false)]
    public void Boolean_InAnyEncoding_IsRead(string hex, bool expected) =>
        Assert.Equal(expected, Wire.ReadHex(hex, static (ref r) => r.ReadBoolean()));

    [Theory]
    [InlineData("a102c3a4", "ä")]
    [InlineData("b100000002c3a4", "ä")]
    [InlineData("a100", "")]
    public void String_InAnyEncoding_IsRead(string hex, string expected) =>
        Assert.Equal(expected, Wire.ReadHex(hex, static (ref r) => r.ReadString()));

    [Theory]
    [InlineData("a30161")]
    [InlineData("b30000000161")]
    [InlineData("e00401a30161")]
    [InlineData("e00701b30000000161")]
    [InlineData("f00000000a00000001b30000000161")]
    [InlineData("f00000000700000001a30161")]
    public void Symbols_SingleOrInAnyArray_AreRead(string hex) =>
        Assert.Equal([new Symbol("a")], Wire.ReadHex(hex, static (ref r) => r.ReadSymbols()));

    [Theory]
    [InlineData("005324", 0x24ul)]
    [InlineData("00800000000000000024", 0x24ul)]
    [InlineData("00a312616d71703a61636365707465643a6c697374", 0x24ul)]
    [InlineData("00b300000012616d71703a61636365707465643a6c697374", 0x24ul)]
    [InlineData("00a30178", AmqpReader.UnknownDescriptor)]
    [InlineData("00800000468c00000004", 0x468C00000004ul)]
    public void Descriptor_NumericOrSymbolic_IsRead(string hex, ulong expected) =>
        Assert.Equal(expected, Wire.ReadHex(hex, static (ref r) => r.ReadDescriptor()));

    [Theory]
    [InlineData("45")]
    [InlineData("c00100")]
    [InlineData("d00000000400000000")]
    public void EmptyList_InAnyEncoding_IsAcceptedState(string list) =>
        Assert.Same(Accepted.Instance, Wire.ReadHex("005324" + list, static (ref r) => DeliveryState.Read(ref r)));

    [Fact]
    public void FloatsAndDecimals_KeepTheirBits()
    {
        Assert.Equal(
            0x7FC01234u,
            BitConverter.SingleToUInt32Bits(Wire.ReadHex("727fc01234", static (ref r) => r.ReadFloat())));
        Assert.Equal(
            0x7FF8000000001234u,
            BitConverter.DoubleToUInt64Bits(Wire.ReadHex("827ff8000000001234", static (ref r) => r.ReadDouble())));
        Assert.Equal(0x01020304u, Wire.ReadHex("7401020304", static (ref r) => r.ReadDecimal32()));
        Assert.Equal(0x0102030405060708u, Wire.ReadHex("840102030405060708", static (ref r) => r.ReadDecimal64()));
        Assert.Equal(
            new UInt128(1, 2),
            Wire.ReadHex("9400000000000000010000000000000002", static (ref r) => r.ReadDecimal128()));
    }

    [Fact]
    public void Binary_IsSliceOfTheMemoryRead()
    {
        var bytes = Wire.Bytes("a003010203");
        var slice = Wire.Read(bytes, static (ref r) => r.ReadBinary());
        bytes[2] = 9;
        Assert.Equal([9, 2, 3], slice.ToArray());
    }

    [Fact]
    public void Char_OfHighestScalarValue_IsRead() =>
        Assert.Equal(new Rune(0x10FFFF), Wire.ReadHex("730010ffff", static (ref r) => r.ReadChar()));

    [Theory]
    [InlineData("00532845", typeof(Source))]
    [InlineData("00532945", typeof(Target))]
    [InlineData("005330c01201a30f616d71703a6c6f63616c2d74786e73", typeof(Coordinator))]
    [InlineData("005399c0020141", typeof(UnknownTerminus))]
    [InlineData("00a30178a10161", typeof(UnknownTerminus))]
    public void Terminus_OfAnyType_IsTold(string hex, Type type) =>
        Assert.IsType(type, Wire.ReadHex(hex, static (ref r) => Terminus.Read(ref r)));

    [Fact]
    public void EncodedValue_OfEveryType_IsReturnedByteForByte()
    {
        foreach (var hex in EncodedValues.All)
        {
            var bytes = Wire.Bytes(hex);
            byte[] followed = [.. bytes, 0xFF];
            var reader = new AmqpReader(followed);
            Assert.Equal(bytes, reader.ReadEncodedValue().ToArray());
            Assert.Equal(1, reader.Remaining);
        }
    }
}
