namespace Hubbub.Amqp.Codec;

/// <summary>The type of a value (AMQP 1.6), whatever its encoding.</summary>
public enum AmqpKind
{
#pragma warning disable CS1591 // The names are the specification's own.
    Null,
    Boolean,
    UByte,
    UShort,
    UInt,
    ULong,
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
    Decimal32,
    Decimal64,
    Decimal128,
    Char,
    Timestamp,
    Uuid,
    Binary,
    String,
    Symbol,
    List,
    Map,
    Array,
    Described,
#pragma warning restore CS1591
}

/// <summary>Maps format codes to kinds.</summary>
internal static class AmqpKinds
{
    /// <summary>The kind that a constructor belongs to.</summary>
    /// <exception cref="AmqpException">No type has this constructor.</exception>
    internal static AmqpKind Of(byte code) => code switch
    {
        FormatCode.Described => AmqpKind.Described,
        FormatCode.Null => AmqpKind.Null,
        FormatCode.True or FormatCode.False or FormatCode.Boolean => AmqpKind.Boolean,
        FormatCode.UByte => AmqpKind.UByte,
        FormatCode.UShort => AmqpKind.UShort,
        FormatCode.UInt0 or FormatCode.SmallUInt or FormatCode.UInt => AmqpKind.UInt,
        FormatCode.ULong0 or FormatCode.SmallULong or FormatCode.ULong => AmqpKind.ULong,
        FormatCode.Byte => AmqpKind.Byte,
        FormatCode.Short => AmqpKind.Short,
        FormatCode.SmallInt or FormatCode.Int => AmqpKind.Int,
        FormatCode.SmallLong or FormatCode.Long => AmqpKind.Long,
        FormatCode.Float => AmqpKind.Float,
        FormatCode.Double => AmqpKind.Double,
        FormatCode.Decimal32 => AmqpKind.Decimal32,
        FormatCode.Decimal64 => AmqpKind.Decimal64,
        FormatCode.Decimal128 => AmqpKind.Decimal128,
        FormatCode.Char => AmqpKind.Char,
        FormatCode.Timestamp => AmqpKind.Timestamp,
        FormatCode.Uuid => AmqpKind.Uuid,
        FormatCode.Binary8 or FormatCode.Binary32 => AmqpKind.Binary,
        FormatCode.String8 or FormatCode.String32 => AmqpKind.String,
        FormatCode.Symbol8 or FormatCode.Symbol32 => AmqpKind.Symbol,
        FormatCode.List0 or FormatCode.List8 or FormatCode.List32 => AmqpKind.List,
        FormatCode.Map8 or FormatCode.Map32 => AmqpKind.Map,
        FormatCode.Array8 or FormatCode.Array32 => AmqpKind.Array,
        _ => throw AmqpException.Decode($"0x{code:x2} is not a format code"),
    };

    /// <summary>
    /// True for the types that one value alone makes up: all but list, map, array and described (AMQP 3.2.5).
    /// </summary>
    internal static bool IsSimple(AmqpKind kind) => kind < AmqpKind.List;
}
