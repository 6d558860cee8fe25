using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>Events as lines of text, for people or as JSON; collected until they are written out.</summary>
internal sealed class EventLines(bool json) : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Utf8JsonWriter _writer = new(
        Stream.Null, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Bytes collected.</summary>
    public int Length => _buffer.WrittenCount;

    public void Add(ReceivedEvent received)
    {
        if (json)
            AddJson(received);
        else
            AddText(received);
        _buffer.Write("\n"u8);
    }

    /// <exception cref="IOException">Nobody reads any more.</exception>
    public void WriteTo(Stream output)
    {
        if (_buffer.WrittenCount == 0)
            return;
        try
        {
            output.Write(_buffer.WrittenSpan);
        }
        finally
        {
            _buffer.ResetWrittenCount();
        }
    }

    /// <summary>Writes what is left, if somebody still reads.</summary>
    public void TryWriteTo(Stream output)
    {
        try
        {
            WriteTo(output);
        }
        catch (IOException)
        {
            // The reader has seen enough.
        }
    }

    public void Dispose() => _writer.Dispose();

    private void AddText(ReceivedEvent received)
    {
        var source = received.ModuleId is { } module ? $"{received.DeviceId}/{module}" : received.DeviceId ?? "-";
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"{received.EnqueuedTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} ");
        line.Append(CultureInfo.InvariantCulture, $"{received.PartitionId}/{received.SequenceNumber} {source}");
        foreach (var (name, value) in received.Properties)
            line.Append(CultureInfo.InvariantCulture, $" {name}={OnOneLine(TextOf(value))}");
        var body = received.Body.Span;
        line.Append(' ').Append(
            Utf8.IsValid(body) ? OnOneLine(Encoding.UTF8.GetString(body)) : $"({body.Length} bytes)");
        _buffer.Write(Encoding.UTF8.GetBytes(line.ToString()));
    }

    private void AddJson(ReceivedEvent received)
    {
        _writer.Reset(_buffer);
        _writer.WriteStartObject();
        _writer.WriteString("partition", received.PartitionId);
        _writer.WriteNumber("sequenceNumber", received.SequenceNumber);
        _writer.WriteString("offset", received.Offset);
        _writer.WriteString("enqueuedTime", received.EnqueuedTime);
        _writer.WriteString("deviceId", received.DeviceId);
        WriteIfPresent("moduleId", received.ModuleId);
        WriteMap("properties", received.Properties);
        WriteMap("systemProperties", received.SystemProperties);
        WriteIfPresent("messageId", received.MessageId);
        WriteIfPresent("correlationId", received.CorrelationId);
        WriteIfPresent("contentType", received.ContentType);
        WriteIfPresent("contentEncoding", received.ContentEncoding);
        WriteBody(received);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    // JSON stays JSON, text becomes a string, and what is neither is given as base64.
    private void WriteBody(ReceivedEvent received)
    {
        var body = received.Body.Span;
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
            using var document = JsonDocument.Parse(received.Body);
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

    private void WriteIfPresent(string name, string? value)
    {
        if (value is not null)
            _writer.WriteString(name, value);
    }

    private void WriteMap(string name, IReadOnlyDictionary<string, object?> map)
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
                _writer.WriteStringValue(TextOf(value));
                break;
        }
    }

    private static string TextOf(object? value) => value switch
    {
        null => "",
        byte[] bytes => Convert.ToHexString(bytes),
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    // A device's text must not move the terminal's cursor, let alone more.
    private static string OnOneLine(string text)
    {
        if (!text.Any(char.IsControl))
            return text;
        return string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
                to[i] = char.IsControl(from[i]) ? ' ' : from[i];
        });
    }
}
