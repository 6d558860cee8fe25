using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Hubbub.Cli;

/// <summary>One message after the other as a JSON object each: the parts that all kinds of messages have.</summary>
internal sealed class MessageJson : IDisposable
{
    private readonly Utf8JsonWriter _writer = new(
        Stream.Null, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Begins an object; <see cref="End"/> completes it.</summary>
    public Utf8JsonWriter Begin(IBufferWriter<byte> output)
    {
        _writer.Reset(output);
        _writer.WriteStartObject();
        return _writer;
    }

    public void End()
    {
        _writer.WriteEndObject();
        _writer.Flush();
    }

    public void Dispose() => _writer.Dispose();

    /// <summary>JSON stays JSON, text becomes a string, and what is neither is given as base64.</summary>
    public void WriteBody(ReadOnlyMemory<byte> content)
    {
        var body = content.Span;
        if (!Utf8.IsValid(body))
        {
            _writer.WriteBase64String("bodyBase64", body);
            return;
        }
        _writer.WritePropertyName("body");
        if (!IsJson(body))
        {
            _writer.WriteStringValue(body);
        }
        else if (body.ContainsAny((byte)'\n', (byte)'\r'))
        {
            // Over several lines it would break the line.
            using var document = JsonDocument.Parse(content);
            document.WriteTo(_writer);
        }
        else
        {
            _writer.WriteRawValue(body, skipInputValidation: true);
        }
    }

    private static bool IsJson(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
            return false;
        var reader = new Utf8JsonReader(body);
        try
        {
            while (reader.Read())
            {
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public void WriteIfPresent(string name, string? value)
    {
        if (value is not null)
            _writer.WriteString(name, value);
    }

    public void WriteMap(string name, IReadOnlyDictionary<string, object?> map)
    {
        _writer.WriteStartObject(name);
        foreach (var (key, value) in map)
        {
            _writer.WritePropertyName(key);
            WriteValue(value);
        }
        _writer.WriteEndObject();
    }

    private void WriteValue(object? value)
    {
        switch (value)
        {
            case null:
                _writer.WriteNullValue();
                break;
            case bool flag:
                _writer.WriteBooleanValue(flag);
                break;
            case byte or sbyte or short or ushort or int or uint or long:
                _writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case ulong number:
                _writer.WriteNumberValue(number);
                break;
            case float number when float.IsFinite(number):
                _writer.WriteNumberValue(number);
                break;
            case double number when double.IsFinite(number):
                _writer.WriteNumberValue(number);
                break;
            case DateTimeOffset time:
                _writer.WriteStringValue(time);
                break;
            case byte[] bytes:
                _writer.WriteBase64StringValue(bytes);
                break;
            default:
                _writer.WriteStringValue(MessageText.RawOf(value));
                break;
        }
    }
}
