using System.Buffers.Binary;

namespace Hubbub.Amqp.Codec;

/// <summary>Reads of floating-point numbers. .NET has none of the decimal types, so theirs stay bits.</summary>
public static class FractionReads
{
    /// <summary>Reads a float; NaN keeps its bits.</summary>
    public static float ReadFloat(this ref AmqpReader reader) =>
        BinaryPrimitives.ReadSingleBigEndian(reader.ReadFixed(FormatCode.Float, 4, "float"));

    /// <summary>Reads a double; NaN keeps its bits.</summary>
    public static double ReadDouble(this ref AmqpReader reader) =>
        BinaryPrimitives.ReadDoubleBigEndian(reader.ReadFixed(FormatCode.Double, 8, "double"));

    /// <summary>Reads a decimal32 as its IEEE 754 bits.</summary>
    public static uint ReadDecimal32(this ref AmqpReader reader) =>
        BinaryPrimitives.ReadUInt32BigEndian(reader.ReadFixed(FormatCode.Decimal32, 4, "decimal32"));

    /// <summary>Reads a decimal64 as its IEEE 754 bits.</summary>
    public static ulong ReadDecimal64(this ref AmqpReader reader) =>
        BinaryPrimitives.ReadUInt64BigEndian(reader.ReadFixed(FormatCode.Decimal64, 8, "decimal64"));

    /// <summary>Reads a decimal128 as its IEEE 754 bits.</summary>
    public static UInt128 ReadDecimal128(this ref AmqpReader reader) =>
        BinaryPrimitives.ReadUInt128BigEndian(reader.ReadFixed(FormatCode.Decimal128, 16, "decimal128"));
}
