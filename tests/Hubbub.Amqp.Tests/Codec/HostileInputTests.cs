using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Codec;

/// <summary>Bytes that are meant to hurt: each is a decode error, and none costs memory or stack.</summary>
public sealed class HostileInputTests
{
    /// <summary>What one exception with its stack trace may cost.</summary>
    private const int ExceptionBytesMax = 16 * 1024;

    // Bodies and descriptors.
    [Theory]
    [InlineData("c00100")]
    [InlineData("a10161")]
    [InlineData("")]
    [InlineData("00")]
    public void Body_NotDescribed_IsRefused(string hex) => RefuseDescriptor(hex);

    [Theory]
    [InlineData("00005314405324c00100")]
    [InlineData("0000a3016140c00100")]
    public void Descriptor_ItselfDescribed_IsRefused(string hex)
    {
        RefuseDescriptor(hex);
        Wire.Refused(hex);
    }

    [Theory]
    [InlineData("0040")]
    [InlineData("00a10161")]
    [InlineData("005224")]
    [InlineData("005424")]
    public void Descriptor_OfOtherTypes_IsRefused(string hex) => RefuseDescriptor(hex);

    [Theory]
    [InlineData("005399c00100")]
    [InlineData("00533445")]
    [InlineData("00a30178c00100")]
    [InlineData("00804141414141414124c00100")]
    public void DeliveryState_OfUnknownDescriptor_IsRefused(string hex) =>
        Wire.Refused(Wire.Bytes(hex), static (ref r) => DeliveryState.Read(ref r));

    // Sizes and counts.
    [Theory]
    [InlineData("c0ff00")]
    [InlineData("c00000")]
    [InlineData("c00102")]
    [InlineData("c0020240")]
    [InlineData("c0030140")]
    [InlineData("c003014040")]
    [InlineData("d0ffffffff00000000")]
    [InlineData("d0000000030000")]
    [InlineData("d000000004ffffffff")]
    [InlineData("d0000000047fffffff")]
    [InlineData("c1ff00")]
    [InlineData("c1020140")]
    [InlineData("d1000000050000000140")]
    [InlineData("e000")]
    [InlineData("e00100")]
    [InlineData("e0020150")]
    [InlineData("e00401500102")]
    [InlineData("f0ffffffff0000000040")]
    [InlineData("f0000000050000000250")]
    [InlineData("f000000005ffffffff50")]
    [InlineData("f0000000050000000000")]
    [InlineData("a105616263")]
    [InlineData("b0ffffffff00")]
    [InlineData("b07fffffff00")]
    [InlineData("80010203")]
    [InlineData("9801")]
    public void Size_ThatDoesNotMatchItsContent_IsRefusedWithoutMemory(string hex)
    {
        var bytes = Wire.Bytes(hex);
        Wire.Refused(bytes);
        var allocated = Wire.AllocatedBytes(() =>
            Assert.Throws<AmqpException>(() => new AmqpReader(bytes).SkipValue()));
        Assert.InRange(allocated, 0, ExceptionBytesMax);
    }

    [Fact]
    public void List_WithMoreElementsThanAllowed_IsRefused()
    {
        var count = CodecLimits.ElementsMax + 1;
        byte[] nulls = [.. Enumerable.Repeat((byte)0x40, count)];
        byte[] bytes = [FormatCode.List32, .. BigEndian(count + 4), .. BigEndian(count), .. nulls];
        Wire.Refused(bytes);
    }

    [Fact]
    public void List_WithAsManyElementsAsAllowed_IsRead()
    {
        var count = CodecLimits.ElementsMax;
        byte[] nulls = [.. Enumerable.Repeat((byte)0x40, count)];
        byte[] bytes = [FormatCode.List32, .. BigEndian(count + 4), .. BigEndian(count), .. nulls];
        Wire.Read(bytes, static (ref r) => r.ReadEncodedValue());
    }

    // Zero-width arrays.
    [Theory]
    [InlineData(0x7FFF_FFFF)]
    [InlineData(CodecLimits.ElementsMax + 1)]
    public void ZeroWidthArray_OfMoreElementsThanAllowed_IsRefused(int count)
    {
        foreach (byte code in (byte[])[0x40, 0x41, 0x42, 0x43, 0x44, 0x45])
            Wire.Refused([FormatCode.Array32, .. BigEndian(5), .. BigEndian(count), code]);
    }

    [Fact]
    public void ZeroWidthArray_OfAsManyElementsAsAllowed_StaysOpaque()
    {
        byte[] bytes = [FormatCode.Array32, .. BigEndian(5), .. BigEndian(CodecLimits.ElementsMax), 0x40];
        Assert.Equal(0, Wire.LeastAllocatedBytes(() => new AmqpReader(bytes).SkipValue()));
    }

    [Fact]
    public void ArrayOfZeroWidthSymbols_InFieldOfSymbols_IsRefused() =>
        Wire.Refused(
            [FormatCode.Array32, .. BigEndian(5), .. BigEndian(200), 0x40],
            static (ref r) => r.ReadSymbols());

    [Fact]
    public void ArrayOfManyEmptySymbols_InFieldOfSymbols_IsRefused()
    {
        var count = CodecLimits.SymbolsMax + 1;
        Wire.Refused(
            [FormatCode.Array32, .. BigEndian(5 + count), .. BigEndian(count), FormatCode.Symbol8, .. new byte[count]],
            static (ref r) => r.ReadSymbols());
    }

    // Depth.
    [Theory]
    [InlineData("list")]
    [InlineData("map value")]
    [InlineData("map key")]
    [InlineData("array")]
    [InlineData("described")]
    [InlineData("mixed")]
    public void Nesting_OfMoreThanTheLimit_IsRefusedAndUpToItRead(string kind)
    {
        Wire.Read(Nested(kind, CodecLimits.DepthMax), static (ref r) => r.ReadEncodedValue());
        Wire.Refused(Nested(kind, CodecLimits.DepthMax + 1));
        Wire.Refused(Nested(kind, 5_000));
    }

    [Fact]
    public void Nesting_InDescriptorsOfArrays_CountsBothLevels()
    {
        Wire.Read(Nested("array descriptor", CodecLimits.DepthMax / 2), static (ref r) => r.ReadEncodedValue());
        Wire.Refused(Nested("array descriptor", (CodecLimits.DepthMax / 2) + 1));
    }

    [Fact]
    public void Nesting_InsideDescriptor_IsRefusedBeyondTheLimit()
    {
        byte[] deep = [0, .. Nested("list", CodecLimits.DepthMax), 0x40];
        Wire.Refused(deep);
        byte[] shallow = [0, .. Nested("list", CodecLimits.DepthMax - 1), 0x40];
        Wire.Read(shallow, static (ref r) => r.ReadEncodedValue());
    }

    [Fact]
    public void NestedMaps_OfTheDeepestKind_TakeLinearTime()
    {
        // Were each level read twice, to find its doubled keys, 32 levels would take for ever.
        var bytes = Nested("map value", CodecLimits.DepthMax);
        for (var i = 0; i < 1_000; i++)
            new AmqpReader(bytes).SkipValue();
    }

    // Maps.
    [Fact]
    public void Map_WithTheSameKeyTwice_IsRefused()
    {
        Wire.Refused(Map("a3016b", "a3016b"));
        Wire.Refused(Map("a3016b", "b3000000016b"));
        Wire.Refused(Map("a1016b", "a10161", "b1000000016b"));
        Wire.Refused(Map("5205", "5205"));
        Wire.Read(Map("a3016b", "a1016b", "a0016b"), static (ref r) => r.ReadEncodedValue());
    }

    [Fact]
    public void Map_OfManyKeysWithOneTwice_IsRefused()
    {
        var keys = Enumerable.Range(0, 5_000).Select(i => "70" + Convert.ToHexString(BigEndian(i))).ToList();
        Wire.Read(Map([.. keys]), static (ref r) => r.ReadEncodedValue());
        Wire.Refused(Map([.. keys, keys[2_500]]));
    }

    [Fact]
    public void Map_OfOddCount_IsRefused() => Wire.Refused("c10401a3016b");

    // Text.
    [Theory]
    [InlineData("a101ff")]
    [InlineData("a102c080")]
    [InlineData("a103eda080")]
    [InlineData("a104f4908080")]
    [InlineData("b100000001c3")]
    public void String_NotUtf8_IsRefused(string hex)
    {
        Wire.Refused(hex);
        Wire.Refused(Wire.Bytes(hex), static (ref r) => r.ReadString());
    }

    [Theory]
    [InlineData("a30180")]
    [InlineData("a302c3a4")]
    [InlineData("a303610062")]
    [InlineData("b30000000100")]
    public void Symbol_NotAsciiOrWithNul_IsRefused(string hex)
    {
        Wire.Refused(hex);
        Wire.Refused(Wire.Bytes(hex), static (ref r) => r.ReadSymbol());
        Wire.Refused(Wire.Bytes(hex), static (ref r) => r.ReadSymbols());
    }

    [Theory]
    [InlineData("730000d800")]
    [InlineData("730000dfff")]
    [InlineData("7300110000")]
    [InlineData("73ffffffff")]
    public void Char_NotScalarValue_IsRefused(string hex)
    {
        Wire.Refused(hex);
        Wire.Refused(Wire.Bytes(hex), static (ref r) => r.ReadChar());
    }

    [Fact]
    public void Boolean_NeitherZeroNorOne_IsRefused()
    {
        Wire.Refused("5602");
        Wire.Refused("e0030156ff");
        Wire.Refused([0x56, 2], static (ref r) => r.ReadBoolean());
    }

    [Theory]
    [InlineData("837fffffffffffffff")]
    [InlineData("838000000000000000")]
    [InlineData("727fc00001")]
    [InlineData("82fff0000000000001")]
    [InlineData("7412345678")]
    public void TimestampLimitsNaNAndDecimals_PassUnchanged(string hex)
    {
        var value = Wire.ReadHex(hex, static (ref r) => r.ReadValue());
        Assert.Equal(Wire.Bytes(hex), Wire.Write((ref w) => w.WriteValue(value)));
        Assert.NotEmpty(value.ToString());
    }

    [Fact]
    public void Attach_FullOfSymbols_AllocatesNoMoreThanEightTimesItsSize()
    {
        var attach = new Attach
        {
            Name = "x",
            Handle = 0,
            Role = Role.Sender,
            OfferedCapabilities = [.. Enumerable.Repeat(new Symbol("ab"), CodecLimits.SymbolsMax)],
            DesiredCapabilities = [.. Enumerable.Repeat(new Symbol("ab"), CodecLimits.SymbolsMax)],
        };
        var bytes = Wire.Write((ref w) => attach.Write(ref w));
        var allocated = Wire.AllocatedBytes(() =>
        {
            var reader = new AmqpReader(bytes);
            reader.ReadDescriptor();
            Attach.Read(ref reader);
        });
        // A frame's objects have sizes of their own; what grows with the input must stay below the bound.
        Assert.InRange(allocated, 0, (8 * bytes.Length) + (2 * CodecLimits.SymbolsMax * 40));
    }

    private static void RefuseDescriptor(string hex) =>
        Wire.Refused(Wire.Bytes(hex), static (ref r) => r.ReadDescriptor());

    private static byte[] Map(params string[] keys)
    {
        byte[] content = [.. keys.SelectMany(key => Wire.Bytes(key).Append((byte)0x40))];
        return [FormatCode.Map32, .. BigEndian(content.Length + 4), .. BigEndian(2 * keys.Length), .. content];
    }

    /// <summary>So many values of the kind, one inside the other, around a null.</summary>
    private static byte[] Nested(string kind, int depth)
    {
        byte[] value = [0x40];
        for (var i = 0; i < depth; i++)
        {
            value = (kind == "mixed" ? ((string[])["list", "map value", "described", "array"])[i % 4] : kind) switch
            {
                "list" => Compound(FormatCode.List32, 1, value),
                "map value" => Compound(FormatCode.Map32, 2, [0x43, .. value]),
                "map key" => Compound(FormatCode.Map32, 2, [.. value, 0x43]),
                "array" => Compound(FormatCode.Array32, 1, value),
                "described" => [0, 0x53, 1, .. value],
                "array descriptor" => Compound(FormatCode.Array32, 0, i == 0 ? value : [0, .. value, 0x40]),
                _ => throw new InvalidOperationException(kind),
            };
        }
        return value;

        static byte[] Compound(byte code, int count, byte[] content) =>
            [code, .. BigEndian(content.Length + 4), .. BigEndian(count), .. content];
    }

    private static byte[] BigEndian(int value) =>
        [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
}
