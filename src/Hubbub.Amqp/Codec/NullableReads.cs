namespace Hubbub.Amqp.Codec;

/// <summary>Reads for the optional fields of composite types: null stands for "absent" (AMQP 1.4).</summary>
/// <remarks>
/// Symbol converts from null itself, so its null is cast: uncast, it would become an empty symbol.
/// </remarks>
public static class NullableReads
{
#pragma warning disable CS1591 // Each reads what its name says, or a null.
    public static byte? ReadUByteOrNull(this ref AmqpReader reader) => reader.TryReadNull() ? null : reader.ReadUByte();

    public static ushort? ReadUShortOrNull(this ref AmqpReader reader) =>
        reader.TryReadNull() ? null : reader.ReadUShort();

    public static ulong? ReadULongOrNull(this ref AmqpReader reader) =>
        reader.TryReadNull() ? null : reader.ReadULong();

    public static Timestamp? ReadTimestampOrNull(this ref AmqpReader reader) =>
        reader.TryReadNull() ? null : reader.ReadTimestamp();

    public static string? ReadStringOrNull(this ref AmqpReader reader) =>
        reader.TryReadNull() ? null : reader.ReadString();

    public static Symbol? ReadSymbolOrNull(this ref AmqpReader reader) =>
        reader.TryReadNull() ? (Symbol?)null : reader.ReadSymbol();

    public static Symbol[]? ReadSymbolsOrNull(this ref AmqpReader reader) =>
        reader.TryReadNull() ? null : reader.ReadSymbols();

    public static AmqpMap? ReadMapOrNull(this ref AmqpReader reader) => reader.TryReadNull() ? null : reader.ReadMap();

    public static AmqpValue? ReadValueOrNull(this ref AmqpReader reader) =>
        reader.TryReadNull() ? null : reader.ReadValue();
#pragma warning restore CS1591
}
