using System.Globalization;
using Hubbub.Amqp.Codec;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>AMQP values as text, for receivers that know no other type of property.</summary>
public static class PropertyText
{
    /// <summary>The UTF-8 bytes of a string or symbol, without a copy; false for other types.</summary>
    public static bool TryGetUtf8(AmqpValue value, out ReadOnlySpan<byte> utf8)
    {
        var reader = value.Reader;
        var kind = value.Kind;
        utf8 = kind switch
        {
            AmqpKind.String => reader.ReadStringBytes(),
            AmqpKind.Symbol => reader.ReadSymbolBytes(),
            _ => default,
        };
        return kind is AmqpKind.String or AmqpKind.Symbol;
    }

    /// <summary>
    /// Numbers in the invariant form, <c>true</c> and <c>false</c>, times in ISO 8601, bytes in base64; null for null.
    /// </summary>
    public static string? Of(AmqpValue value)
    {
        var reader = value.Reader;
        return value.Kind switch
        {
            AmqpKind.Null => null,
            AmqpKind.Boolean => reader.ReadBoolean() ? "true" : "false",
            AmqpKind.Float => reader.ReadFloat().ToString(CultureInfo.InvariantCulture),
            AmqpKind.Double => reader.ReadDouble().ToString(CultureInfo.InvariantCulture),
            AmqpKind.Timestamp => reader.ReadTimestamp().ToDateTimeOffset().UtcDateTime.ToString("O"),
            AmqpKind.Uuid => reader.ReadUuid().ToString(),
            AmqpKind.Char => reader.ReadChar().ToString(),
            AmqpKind.Binary => Convert.ToBase64String(reader.ReadBinary().Span),
            AmqpKind.String => reader.ReadString(),
            AmqpKind.Symbol => reader.ReadSymbol().Value,
            _ when value.TryGetInt64(out var integer) => integer.ToString(CultureInfo.InvariantCulture),
            _ when value.TryGetUInt64(out var large) => large.ToString(CultureInfo.InvariantCulture),
            _ => value.ToString(),
        };
    }
}
