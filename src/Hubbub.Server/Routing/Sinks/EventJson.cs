using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>
/// Events as JSON objects, in the shape of the service's storage endpoints: <c>EnqueuedTimeUtc</c>, <c>Properties</c>,
/// <c>SystemProperties</c>, <c>Body</c>. See docs/wire/endpoints.md. Not safe for concurrent use.
/// </summary>
public sealed class EventJson : IDisposable
{
    private const int TimeBytesMax = 33;

    private static readonly JsonWriterOptions Options = new()
    {
        // The text goes into no web page; what need not be escaped stays readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    // Names that the hub gives values it knows: a sender's annotation must not pass for one of them.
    private static readonly string[] OwnNames =
    [
        "sequenceNumber", "enqueuedTime", "connectionDeviceId", "connectionModuleId", "connectionDeviceGenerationId",
        "connectionAuthMethod", "messageId", "userId", "to", "subject", "correlationId", "contentType",
        "contentEncoding", "absoluteExpiryTime", "creationTime", "groupId",
    ];

    private readonly ByteBuffer _output = new();
    private readonly Utf8JsonWriter _writer;

    public EventJson() => _writer = new Utf8JsonWriter(_output, Options);

    /// <summary>What was written; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Written => _output.WrittenMemory;

    /// <summary>Writes the events as one array.</summary>
    public void WriteArray(ReadOnlySpan<StoredEvent> events)
    {
        Begin();
        _writer.WriteStartArray();
        foreach (var stored in events)
            Write(stored);
        _writer.WriteEndArray();
        _writer.Flush();
    }

    /// <summary>Writes the events as one object a line, each line ended by a line feed.</summary>
    public void WriteLines(ReadOnlySpan<StoredEvent> events)
    {
        Begin();
        foreach (var stored in events)
        {
            _writer.Reset();
            Write(stored);
            _writer.Flush();
            _output.Write("\n"u8);
        }
    }

    public void Dispose()
    {
        _writer.Dispose();
        _output.Dispose();
    }

    private void Begin()
    {
        _output.Clear();
        _writer.Reset();
    }

    private void Write(in StoredEvent stored)
    {
        var message = new StoredMessage(stored);
        _writer.WriteStartObject();
        WriteTime("EnqueuedTimeUtc"u8, stored.EnqueuedTimeMs);
        _writer.WriteStartObject("Properties"u8);
        foreach (var (key, value) in message.ApplicationProperties)
        {
            if (PropertyText.TryGetUtf8(key, out var name))
                WriteText(name, value);
        }
        _writer.WriteEndObject();
        _writer.WriteStartObject("SystemProperties"u8);
        _writer.WriteNumber("sequenceNumber"u8, stored.SequenceNumber);
        WriteTime("enqueuedTime"u8, stored.EnqueuedTimeMs);
        foreach (var (key, value) in message.Annotations)
        {
            if (PropertyText.TryGetUtf8(key, out var name) && !IsOwn(name))
                WriteText(NameOf(name), value);
        }
        if (message.Properties is { } properties)
            WriteProperties(properties);
        _writer.WriteEndObject();
        _writer.WritePropertyName("Body"u8);
        if (JsonBody.IsDeclared(message.Properties) && JsonBody.IsValid(message.Body.Span))
            JsonBody.Write(_writer, message.Body.Span);
        else
            _writer.WriteBase64StringValue(message.Body.Span);
        _writer.WriteEndObject();
    }

    private void WriteProperties(Properties properties)
    {
        WriteOptional("messageId"u8, properties.MessageId);
        if (properties.UserId is { } user)
        {
            if (System.Text.Unicode.Utf8.IsValid(user.Span))
                _writer.WriteString("userId"u8, user.Span);
            else
                _writer.WriteBase64String("userId"u8, user.Span);
        }
        WriteOptional("to"u8, properties.To);
        WriteOptional("subject"u8, properties.Subject);
        WriteOptional("correlationId"u8, properties.CorrelationId);
        WriteOptional("contentType"u8, properties.ContentType?.Value);
        WriteOptional("contentEncoding"u8, properties.ContentEncoding?.Value);
        if (properties.AbsoluteExpiryTime is { } expiry)
            WriteTime("absoluteExpiryTime"u8, expiry.UnixTimeMs);
        if (properties.CreationTime is { } creation)
            WriteTime("creationTime"u8, creation.UnixTimeMs);
        WriteOptional("groupId"u8, properties.GroupId);
    }

    private void WriteOptional(ReadOnlySpan<byte> name, AmqpValue? value)
    {
        if (value is { IsNull: false } present)
            WriteText(name, present);
    }

    private void WriteOptional(ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
            _writer.WriteString(name, value);
    }

    private void WriteText(ReadOnlySpan<byte> name, AmqpValue value)
    {
        if (PropertyText.TryGetUtf8(value, out var utf8))
            _writer.WriteString(name, utf8);
        else
            _writer.WriteString(name, PropertyText.Of(value));
    }

    /// <summary>ISO 8601 with seven digits of a second, as the service writes it.</summary>
    private void WriteTime(ReadOnlySpan<byte> name, long unixTimeMs)
    {
        Span<byte> text = stackalloc byte[TimeBytesMax];
        var time = new Timestamp(unixTimeMs).ToDateTimeOffset().UtcDateTime;
        time.TryFormat(text, out var written, "O", CultureInfo.InvariantCulture);
        _writer.WriteString(name, text[..written]);
    }

    private static bool IsOwn(ReadOnlySpan<byte> name)
    {
        foreach (var own in OwnNames)
        {
            // Readers may bind names ignoring case, so one that differs only in case passes for another too.
            if (name.Length == own.Length && Ascii.EqualsIgnoreCase(name, own))
                return true;
        }
        return false;
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> annotation)
    {
        if (annotation.SequenceEqual("iothub-connection-device-id"u8))
            return "connectionDeviceId"u8;
        if (annotation.SequenceEqual("iothub-connection-module-id"u8))
            return "connectionModuleId"u8;
        if (annotation.SequenceEqual("iothub-connection-auth-generation-id"u8))
            return "connectionDeviceGenerationId"u8;
        return annotation.SequenceEqual("iothub-connection-auth-method"u8) ? "connectionAuthMethod"u8 : annotation;
    }
}
