using System.Diagnostics;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client;

/// <summary>
/// A message from a device to its hub. It is encoded when it is given to the client, and free to change after.
/// </summary>
public sealed class TelemetryMessage : ISendable
{
    private Dictionary<string, string>? _properties;

    /// <summary>A message with this body.</summary>
    public TelemetryMessage(ReadOnlyMemory<byte> body = default) => Body = body;

    /// <summary>A message with this text as UTF-8.</summary>
    public TelemetryMessage(string text) => Body = System.Text.Encoding.UTF8.GetBytes(text);

    /// <summary>The payload. With the properties at most 256 KiB.</summary>
    public ReadOnlyMemory<byte> Body { get; set; }

    /// <summary>The body's media type, such as <c>application/json</c>: what routes on the body need. ASCII.</summary>
    public string? ContentType { get; set; }

    /// <summary>The body's encoding, such as <c>utf-8</c>. ASCII.</summary>
    public string? ContentEncoding { get; set; }

    /// <summary>The message's own id.</summary>
    public string? MessageId { get; set; }

    /// <summary>The id of the message that this one belongs to.</summary>
    public string? CorrelationId { get; set; }

    /// <summary>When the message came to be; travels as the property <c>iothub-creation-time-utc</c>.</summary>
    public DateTimeOffset? CreationTime { get; set; }

    /// <summary>The application properties.</summary>
    public IDictionary<string, string> Properties => _properties ??= [];

    uint ISendable.MessageFormat => MessageFormats.Amqp;

    void ISendable.Encode(ByteBuffer buffer) => Encode(buffer, null);

    internal void Encode(ByteBuffer buffer, Activity? activity)
    {
        var writer = new AmqpWriter(buffer);
        if (ContentType is not null || ContentEncoding is not null || MessageId is not null
            || CorrelationId is not null)
            WriteProperties(ref writer);
        if (CreationTime is not null || _properties is { Count: > 0 } || activity is not null)
            WriteApplicationProperties(ref writer, activity);
        writer.WriteDataSection(Body.Span);
    }

    // The thirteen fields of AMQP 3.2.4, of which a device sets four; written here so that nothing is allocated.
    private void WriteProperties(ref AmqpWriter writer)
    {
        var mark = writer.BeginList(SectionDescriptor.Properties);
        WriteStringOrNull(ref writer, MessageId);
        writer.WriteNull();
        writer.WriteNull();
        writer.WriteNull();
        writer.WriteNull();
        WriteStringOrNull(ref writer, CorrelationId);
        WriteSymbolOrNull(ref writer, ContentType, nameof(ContentType));
        WriteSymbolOrNull(ref writer, ContentEncoding, nameof(ContentEncoding));
        for (var field = 8; field < PropertiesFieldCount; field++)
            writer.WriteNull();
        writer.EndList(mark, PropertiesFieldCount);
    }

    private const int PropertiesFieldCount = 13;

    private void WriteApplicationProperties(ref AmqpWriter writer, Activity? activity)
    {
        var mark = writer.BeginApplicationProperties();
        var count = 0;
        if (_properties is not null)
        {
            foreach (var (name, value) in _properties)
            {
                writer.WriteString(name);
                WriteStringOrNull(ref writer, value);
                count += 2;
            }
        }
        if (CreationTime is { } time && _properties?.ContainsKey(CreationTimeName) != true)
        {
            writer.WriteString(CreationTimeName);
            writer.WriteString(time.UtcDateTime.ToString("O"));
            count += 2;
        }
        // A trace that the caller has set himself stays.
        if (_properties?.ContainsKey(Tracing.TraceParent) != true)
            count += Tracing.Write(ref writer, activity);
        writer.EndMap(mark, count);
    }

    private const string CreationTimeName = "iothub-creation-time-utc";

    private static void WriteStringOrNull(ref AmqpWriter writer, string? value)
    {
        if (value is null)
            writer.WriteNull();
        else
            writer.WriteString(value);
    }

    private static void WriteSymbolOrNull(ref AmqpWriter writer, string? value, string name)
    {
        if (value is null)
        {
            writer.WriteNull();
            return;
        }
        if (!System.Text.Ascii.IsValid(value))
            throw new ArgumentException($"{name} '{value}' is not ASCII.", name);
        writer.WriteSymbol(value);
    }
}
