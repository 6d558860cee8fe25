namespace Hubbub.Amqp.Codec;

/// <summary>Writes for the optional fields of composite types: absent is written as null (AMQP 1.4).</summary>
public static class NullableWrites
{
#pragma warning disable CS1591 // Each writes what its name says, or a null.
    public static void WriteBooleanOrNull(this ref AmqpWriter writer, bool? value)
    {
        if (value is { } present)
            writer.WriteBoolean(present);
        else
            writer.WriteNull();
    }

    public static void WriteUByteOrNull(this ref AmqpWriter writer, byte? value)
    {
        if (value is { } present)
            writer.WriteUByte(present);
        else
            writer.WriteNull();
    }

    public static void WriteUShortOrNull(this ref AmqpWriter writer, ushort? value)
    {
        if (value is { } present)
            writer.WriteUShort(present);
        else
            writer.WriteNull();
    }

    public static void WriteUIntOrNull(this ref AmqpWriter writer, uint? value)
    {
        if (value is { } present)
            writer.WriteUInt(present);
        else
            writer.WriteNull();
    }

    public static void WriteULongOrNull(this ref AmqpWriter writer, ulong? value)
    {
        if (value is { } present)
            writer.WriteULong(present);
        else
            writer.WriteNull();
    }

    public static void WriteTimestampOrNull(this ref AmqpWriter writer, Timestamp? value)
    {
        if (value is { } present)
            writer.WriteTimestamp(present);
        else
            writer.WriteNull();
    }

    public static void WriteBinaryOrNull(this ref AmqpWriter writer, ReadOnlyMemory<byte>? value)
    {
        if (value is { } present)
            writer.WriteBinary(present.Span);
        else
            writer.WriteNull();
    }

    public static void WriteStringOrNull(this ref AmqpWriter writer, string? value)
    {
        if (value is not null)
            writer.WriteString(value);
        else
            writer.WriteNull();
    }

    public static void WriteSymbolOrNull(this ref AmqpWriter writer, Symbol? value)
    {
        if (value is { } present)
            writer.WriteSymbol(present);
        else
            writer.WriteNull();
    }

    public static void WriteSymbolsOrNull(this ref AmqpWriter writer, Symbol[]? value)
    {
        if (value is not null)
            writer.WriteSymbols(value);
        else
            writer.WriteNull();
    }

    public static void WriteMapOrNull(this ref AmqpWriter writer, AmqpMap? value)
    {
        if (value is { } present)
            writer.WriteMap(present);
        else
            writer.WriteNull();
    }

    public static void WriteValueOrNull(this ref AmqpWriter writer, AmqpValue? value) =>
        writer.WriteValue(value ?? default);
#pragma warning restore CS1591
}
