using System.Text.Json;
using System.Text.Unicode;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>Which bodies are JSON that can stand in other JSON as it is.</summary>
internal static class JsonBody
{
    /// <summary>True when the sender says that the body is JSON in UTF-8.</summary>
    public static bool IsDeclared(Properties? properties)
    {
        if (properties?.ContentType?.Value is not { } type)
            return false;
        var parameters = type.IndexOf(';', StringComparison.Ordinal);
        var media = (parameters < 0 ? type : type[..parameters]).AsSpan().Trim();
        if (!media.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            return false;
        var encoding = properties.ContentEncoding?.Value;
        return encoding is { Length: > 0 }
            ? encoding.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            : parameters >= 0 && NamesUtf8(type.AsSpan(parameters + 1));
    }

    /// <summary>
    /// True when the bytes are one JSON value in valid UTF-8. A sender may say so of anything, and one bad body must
    /// not spoil the batch that it stands in.
    /// </summary>
    public static bool IsValid(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty || !Utf8.IsValid(body))
            return false;
        try
        {
            var reader = new Utf8JsonReader(body, isFinalBlock: true, default);
            while (reader.Read())
            {
                // Reading is the check.
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Writes a valid body as the next value, on one line.</summary>
    public static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> body)
    {
        if (!body.ContainsAny((byte)'\n', (byte)'\r'))
        {
            writer.WriteRawValue(body, skipInputValidation: true);
            return;
        }
        // Within a text they would be escaped, so these are white space, and another kind of it serves as well.
        using var line = new ByteBuffer();
        line.Write(body);
        line.WrittenSpan.Replace((byte)'\n', (byte)' ');
        line.WrittenSpan.Replace((byte)'\r', (byte)' ');
        writer.WriteRawValue(line.WrittenSpan, skipInputValidation: true);
    }

    private static bool NamesUtf8(ReadOnlySpan<char> parameters)
    {
        foreach (var range in parameters.Split(';'))
        {
            var parameter = parameters[range].Trim();
            if (parameter.StartsWith("charset=", StringComparison.OrdinalIgnoreCase)
                && parameter["charset=".Length..].Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
