using System.Text;
using CsCheck;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Properties;

/// <summary>
/// What is written is read back, for every type. A failure prints the seed: run it again with CsCheck_Seed.
/// </summary>
public sealed class RoundTripProperties
{
    private static readonly Gen<string> Text = Gen.String[Gen.Char.Where(c => !char.IsSurrogate(c)), 0, 400];
    private static readonly Gen<string> SymbolText = Gen.String[Gen.Char['\u0001', '\u007F'], 0, 400];

    [Fact]
    public void Integers_OfAllTypes_ComeBack()
    {
        Gen.UInt.Sample(v => Same(v, (ref w) => w.WriteUInt(v), static (ref r) => r.ReadUInt()));
        Gen.ULong.Sample(v => Same(v, (ref w) => w.WriteULong(v), static (ref r) => r.ReadULong()));
        Gen.Int.Sample(v => Same(v, (ref w) => w.WriteInt(v), static (ref r) => r.ReadInt()));
        Gen.Long.Sample(v => Same(v, (ref w) => w.WriteLong(v), static (ref r) => r.ReadLong()));
        Gen.UShort.Sample(v => Same(v, (ref w) => w.WriteUShort(v), static (ref r) => r.ReadUShort()));
        Gen.Short.Sample(v => Same(v, (ref w) => w.WriteShort(v), static (ref r) => r.ReadShort()));
        Gen.Byte.Sample(v => Same(v, (ref w) => w.WriteUByte(v), static (ref r) => r.ReadUByte()));
        Gen.SByte.Sample(v => Same(v, (ref w) => w.WriteByte(v), static (ref r) => r.ReadByte()));
        Gen.Int[-300, 300].Sample(v => Same(v, (ref w) => w.WriteInt(v), static (ref r) => r.ReadInt()));
        Gen.Long[-300, 300].Sample(v => Same(v, (ref w) => w.WriteLong(v), static (ref r) => r.ReadLong()));
        Gen.UInt[0, 300].Sample(v => Same(v, (ref w) => w.WriteUInt(v), static (ref r) => r.ReadUInt()));
    }

    [Fact]
    public void OtherScalars_ComeBack()
    {
        Gen.Bool.Sample(v => Same(v, (ref w) => w.WriteBoolean(v), static (ref r) => r.ReadBoolean()));
        Gen.Float.Sample(v => Same(v, (ref w) => w.WriteFloat(v), static (ref r) => r.ReadFloat()));
        Gen.Double.Sample(v => Same(v, (ref w) => w.WriteDouble(v), static (ref r) => r.ReadDouble()));
        Gen.UInt.Sample(v => Same(v, (ref w) => w.WriteDecimal32(v), static (ref r) => r.ReadDecimal32()));
        Gen.ULong.Sample(v => Same(v, (ref w) => w.WriteDecimal64(v), static (ref r) => r.ReadDecimal64()));
        Gen.Select(Gen.ULong, Gen.ULong, static (high, low) => new UInt128(high, low))
            .Sample(v => Same(v, (ref w) => w.WriteDecimal128(v), static (ref r) => r.ReadDecimal128()));
        Gen.Guid.Sample(v => Same(v, (ref w) => w.WriteUuid(v), static (ref r) => r.ReadUuid()));
        Gen.Long.Select(ms => new Timestamp(ms))
            .Sample(v => Same(v, (ref w) => w.WriteTimestamp(v), static (ref r) => r.ReadTimestamp()));
        Gen.Int[0, 0x10FFFF].Where(Rune.IsValid).Select(scalar => new Rune(scalar))
            .Sample(v => Same(v, (ref w) => w.WriteChar(v), static (ref r) => r.ReadChar()));
    }

    [Fact]
    public void Text_OfAnyLength_ComesBack()
    {
        Text.Sample(v => Same(v, (ref w) => w.WriteString(v), static (ref r) => r.ReadString()));
        SymbolText.Select(v => new Symbol(v)).Sample(v =>
            Same(v, (ref w) => w.WriteSymbol(v), static (ref r) => r.ReadSymbol()));
        Gen.Byte.Array[0, 600].Sample(v =>
            Wire.Read(Wire.Write((ref w) => w.WriteBinary(v)), static (ref r) => r.ReadBinary()).Span.SequenceEqual(v));
    }

    [Fact]
    public void Arrays_OfAnySize_ComeBack()
    {
        SymbolText.Select(v => new Symbol(v)).Array[0, 20].Sample(values =>
            Wire.Read(Wire.Write((ref w) => w.WriteSymbols(values)), static (ref r) => r.ReadSymbols())
                .SequenceEqual(values));
        Text.Array[0, 20].Sample(values =>
        {
            var encoded = Wire.Write((ref w) => w.WriteStrings(values));
            return Wire.Read(encoded, static (ref r) => r.ReadEncodedValue()).Length == encoded.Length;
        });
    }

    [Fact]
    public void Values_OfAnyShape_PassThroughByteForByte() => Values.Encoded(depth: 4).Sample(encoded =>
    {
        var value = Wire.Read(encoded, static (ref r) => r.ReadValue());
        return Wire.Write((ref w) => w.WriteValue(value)).AsSpan().SequenceEqual(encoded)
            && value.ToOwned() == value
            && value.ToString().Length <= CodecLimits.LogTextMax;
    });

    [Fact]
    public void Maps_OfAnyKeys_GiveEveryValueBack() =>
        Gen.Select(SymbolText, Gen.Int).Array[0, 40].Sample(pairs =>
        {
            var distinct = pairs.DistinctBy(pair => pair.Item1).ToList();
            var builder = new AmqpMapBuilder();
            foreach (var (key, value) in distinct)
                builder.Add(key, value);
            var map = Wire.Read(builder.Build().Encoded.ToArray(), static (ref r) => r.ReadMap());
            return map.Count == distinct.Count && distinct.TrueForAll(pair =>
                map.TryGet(pair.Item1, out var value) && value.TryGetInt32(out var number) && number == pair.Item2);
        });

    private static bool Same<T>(T value, Wire.WriteAction write, Wire.ReadFunc<T> read) =>
        EqualityComparer<T>.Default.Equals(value, Wire.Read(Wire.Write(write), read));
}
