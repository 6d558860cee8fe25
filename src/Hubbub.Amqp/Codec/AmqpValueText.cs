using System.Globalization;

namespace Hubbub.Amqp.Codec;

/// <summary>Shows values in logs: short, on one line, and for any bytes.</summary>
internal static class AmqpValueText
{
    internal static string Of(AmqpValue value)
    {
        try
        {
            return Printable(Text(value));
        }
        catch (AmqpException)
        {
            return "(not a value)";
        }
    }

    private static string Text(AmqpValue value)
    {
        var reader = value.Reader;
        switch (value.Kind)
        {
            case AmqpKind.Null:
                return "null";
            case AmqpKind.Boolean:
                return reader.ReadBoolean() ? "true" : "false";
            case AmqpKind.String:
                return reader.ReadString();
            case AmqpKind.Symbol:
                return reader.ReadSymbol().Value;
            case AmqpKind.Char:
                return reader.ReadChar().ToString();
            case AmqpKind.Uuid:
                return reader.ReadUuid().ToString();
            case AmqpKind.Timestamp:
                return reader.ReadTimestamp().ToString();
            case AmqpKind.Float:
                return reader.ReadFloat().ToString(CultureInfo.InvariantCulture);
            case AmqpKind.Double:
                return reader.ReadDouble().ToString(CultureInfo.InvariantCulture);
            case AmqpKind.UByte or AmqpKind.UShort or AmqpKind.UInt or AmqpKind.ULong
                when value.TryGetUInt64(out var positive):
                return positive.ToString(CultureInfo.InvariantCulture);
            case AmqpKind.Byte or AmqpKind.Short or AmqpKind.Int or AmqpKind.Long
                when value.TryGetInt64(out var integer):
                return integer.ToString(CultureInfo.InvariantCulture);
            default:
                return $"({value.Kind} of {value.Encoded.Length} bytes)";
        }
    }

    /// <summary>Cuts the text and replaces what could break a log line apart.</summary>
    private static string Printable(string text)
    {
        if (text.Length > CodecLimits.LogTextMax)
            text = string.Concat(text.AsSpan(0, CodecLimits.LogTextMax - 1), "…");
        return text.AsSpan().ContainsAnyInRange('\0', '\u001F')
            ? string.Create(text.Length, text, static (chars, source) =>
            {
                for (var i = 0; i < chars.Length; i++)
                    chars[i] = char.IsControl(source[i]) ? '?' : source[i];
            })
            : text;
    }
}
