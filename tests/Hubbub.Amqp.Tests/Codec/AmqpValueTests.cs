using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Tests.Codec;

/// <summary>Views of encoded values and maps.</summary>
public sealed class AmqpValueTests
{
    [Fact]
    public void Value_OfAnyIntegerType_IsGivenWhereItFits()
    {
        foreach (var hex in (string[])["5007", "600007", "5207", "5307", "5107", "610007", "5407", "5507"])
        {
            var value = new AmqpValue(Wire.Bytes(hex));
            Assert.True(value.TryGetUInt64(out var unsigned) && unsigned == 7, hex);
            Assert.True(value.TryGetInt32(out var signed) && signed == 7, hex);
        }
        Assert.False(AmqpValue.From(-1).TryGetUInt64(out _));
        Assert.False(AmqpValue.From(ulong.MaxValue).TryGetInt64(out _));
        Assert.False(AmqpValue.From(1L << 32).TryGetUInt32(out _));
        Assert.False(AmqpValue.From("7").TryGetInt64(out _));
        Assert.False(AmqpValue.From(true).TryGetInt64(out _));
    }

    [Fact]
    public void Value_OfEachType_ComesBackAsItWentIn()
    {
        var id = Guid.NewGuid();
        var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 6, TimeSpan.Zero);
        Assert.True(AmqpValue.From("ä").TryGetString(out var text) && text == "ä");
        Assert.True(AmqpValue.From(new Symbol("s")).TryGetSymbol(out var symbol) && symbol == "s");
        Assert.False(AmqpValue.From(new Symbol("s")).TryGetString(out _));
        Assert.True(AmqpValue.From(new Symbol("s")).TryGetString(out text, orSymbol: true) && text == "s");
        Assert.True(AmqpValue.From(true).TryGetBoolean(out var flag) && flag);
        Assert.True(AmqpValue.From(id).TryGetGuid(out var guid) && guid == id);
        Assert.True(AmqpValue.From(time).TryGetTimestamp(out var stamp) && stamp.ToDateTimeOffset() == time);
        Assert.True(AmqpValue.From(new byte[] { 1, 2 }.AsMemory()).TryGetBinary(out var binary));
        Assert.Equal([1, 2], binary.ToArray());
        Assert.True(AmqpValue.From(1.5).TryGetDouble(out var number) && number == 1.5);
        Assert.True(AmqpValue.From((string?)null).IsNull);
        Assert.Equal(AmqpKind.Array, AmqpValue.From((string[])["a"]).Kind);
    }

    [Fact]
    public void Value_Described_GivesBothParts()
    {
        var value = AmqpValue.Described("apache.org:selector-filter:string", AmqpValue.From("x > 1"));
        Assert.True(value.TryGetDescribed(out var descriptor, out var inner));
        Assert.True(descriptor.TextEquals("apache.org:selector-filter:string"));
        Assert.True(inner.TextEquals("x > 1"));
        Assert.Equal(inner, value.Undescribed());
        Assert.Equal(inner, inner.Undescribed());
        Assert.True(AmqpValue.Described(0x468C00000004, inner).TryGetDescribed(out descriptor, out _));
        Assert.True(descriptor.TryGetUInt64(out var code) && code == 0x468C00000004);
    }

    [Fact]
    public void Value_Default_IsNull()
    {
        Assert.True(default(AmqpValue).IsNull);
        Assert.Equal(default, new AmqpValue(Wire.Bytes("40")));
        Assert.Equal(default(AmqpValue).GetHashCode(), new AmqpValue(Wire.Bytes("40")).GetHashCode());
        Assert.Equal("40", Wire.WriteHex(static (ref w) => w.WriteValue(default)));
        Assert.Equal("null", default(AmqpValue).ToString());
        Assert.False(default(AmqpValue).TryGetString(out _));
    }

    [Fact]
    public void Value_EchoedAfterItsFrameIsGone_KeepsItsEncoding()
    {
        var frame = Wire.Bytes("800000000000000007");
        var owned = new AmqpValue(frame).ToOwned();
        Array.Clear(frame);
        Assert.Equal("800000000000000007", Wire.WriteHex((ref w) => w.WriteValue(owned)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("x-opt-offset")]
    [InlineData("ümläut")]
    [InlineData("😀")]
    public void TextEquals_ForTextOfAnyKind_IsExact(string text)
    {
        Assert.True(AmqpValue.From(text).TextEquals(text));
        Assert.False(AmqpValue.From(text).TextEquals(text + "x"));
        Assert.False(AmqpValue.From(text + "x").TextEquals(text));
        Assert.False(AmqpValue.From(1).TextEquals(text));
    }

    [Fact]
    public void ToString_OfAnything_IsShortAndOnOneLine()
    {
        Assert.Equal("a?b", AmqpValue.From("a\nb").ToString());
        Assert.Equal(CodecLimits.LogTextMax, AmqpValue.From(new string('x', 100_000)).ToString().Length);
        Assert.Equal("(not a value)", new AmqpValue(Wire.Bytes("a1ff")).ToString());
        Assert.Equal("(not a value)", new AmqpValue(Wire.Bytes("ff")).ToString());
        Assert.Equal("-5", AmqpValue.From(-5).ToString());
        Assert.Equal("ä", new AmqpValue(Wire.Bytes("73000000e4")).ToString());
        foreach (var hex in EncodedValues.All)
            Assert.NotEmpty(new AmqpValue(Wire.Bytes(hex)).ToString());
    }

    [Fact]
    public void Map_Built_HasItsEntries()
    {
        var map = new AmqpMapBuilder()
            .Add("text", "t").Add("symbol", new Symbol("s")).Add("flag", true).Add("int", -1).Add("uint", 1u)
            .Add("long", -1L).Add("ulong", 1ul).Add("id", Guid.Empty).Add("time", DateTimeOffset.UnixEpoch)
            .Add("strings", (string[])["a"]).Add("symbols", [new Symbol("a")]).Add("none", (string?)null)
            .Build();
        Assert.Equal(12, map.Count);
        Assert.Equal(12, map.ToList().Count);
        Assert.True(map.TryGet("int", out var value) && value.Kind == AmqpKind.Int);
        Assert.True(map.TryGet("time", out value) && value.TryGetTimestamp(out var time) && time.UnixTimeMs == 0);
        Assert.False(map.TryGet("absent", out _));
        Assert.All(map, entry => Assert.Equal(AmqpKind.Symbol, entry.Key.Kind));
        Assert.Equal(map, Wire.Read(map.Encoded.ToArray(), static (ref r) => r.ReadMap()));
    }

    [Fact]
    public void Map_BuiltWithStringKeys_HasStringKeys()
    {
        var map = new AmqpMapBuilder(MapKeyKind.String).Add("status-code", 200).Build();
        Assert.Equal(AmqpKind.String, Assert.Single(map).Key.Kind);
        Assert.True(map.TryGet("status-code", out _));
    }

    [Fact]
    public void Map_Default_IsEmpty()
    {
        Assert.Equal(0, default(AmqpMap).Count);
        Assert.Empty(default(AmqpMap));
        Assert.Equal("c10100", Wire.WriteHex(static (ref w) => w.WriteMap(default)));
        Assert.Equal(default, new AmqpMapBuilder().Build());
    }
}
