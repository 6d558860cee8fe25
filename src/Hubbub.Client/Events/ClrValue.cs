using System.Globalization;
using Hubbub.Amqp.Codec;

namespace Hubbub.Client.Events;

/// <summary>AMQP values as .NET ones.</summary>
internal static class ClrValue
{
    /// <summary>Text, a number, a boolean, a Guid, a time, or bytes; what is none of these as short text.</summary>
    public static object? Of(AmqpValue value)
    {
        var reader = value.Reader;
        return value.Kind switch
        {
            AmqpKind.Null => null,
            AmqpKind.Boolean => reader.ReadBoolean(),
            AmqpKind.UByte => reader.ReadUByte(),
            AmqpKind.UShort => reader.ReadUShort(),
            AmqpKind.UInt => reader.ReadUInt(),
            AmqpKind.ULong => reader.ReadULong(),
            AmqpKind.Byte => reader.ReadByte(),
            AmqpKind.Short => reader.ReadShort(),
            AmqpKind.Int => reader.ReadInt(),
            AmqpKind.Long => reader.ReadLong(),
            AmqpKind.Float => reader.ReadFloat(),
            AmqpKind.Double => reader.ReadDouble(),
            AmqpKind.Timestamp => reader.ReadTimestamp().ToDateTimeOffset(),
            AmqpKind.Uuid => reader.ReadUuid(),
            AmqpKind.Binary => reader.ReadBinary().ToArray(),
            AmqpKind.String => reader.ReadString(),
            AmqpKind.Symbol => reader.ReadSymbol().Value,
            _ => value.ToString(),
        };
    }

    /// <summary>A message-id, whatever type it has, as text.</summary>
    public static string? TextOf(AmqpValue? value) => value is { } present ? Of(present) switch
    {
        null => null,
        byte[] bytes => Convert.ToHexString(bytes),
        var other => Convert.ToString(other, CultureInfo.InvariantCulture),
    } : null;

    /// <summary>The entries of a map whose keys are text.</summary>
    public static Dictionary<string, object?> DictionaryOf(AmqpMap map, Func<string, bool> include)
    {
        var result = new Dictionary<string, object?>();
        foreach (var (key, value) in map)
        {
            if (key.TryGetString(out var name, orSymbol: true) && include(name))
                result[name] = Of(value);
        }
        return result;
    }
}
