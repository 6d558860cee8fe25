using System.Diagnostics;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client;

/// <summary>
/// A command: a message from a service to a device (cloud-to-device). With the properties at most 64 KiB.
/// </summary>
public sealed class CommandMessage
{
    private const string AckName = "iothub-ack";
    private Dictionary<string, string>? _properties;

    /// <summary>A command with this body.</summary>
    public CommandMessage(ReadOnlyMemory<byte> body = default) => Body = body;

    /// <summary>A command with this text as UTF-8.</summary>
    public CommandMessage(string text) => Body = System.Text.Encoding.UTF8.GetBytes(text);

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Body { get; set; }

    /// <summary>The command's id, by which feedback names it. A new GUID unless it is set.</summary>
    public string MessageId { get; set; } = Guid.NewGuid().ToString();

    /// <summary>The id of what it belongs to.</summary>
    public string? CorrelationId { get; set; }

    /// <summary>The body's media type, such as <c>application/json</c>. ASCII.</summary>
    public string? ContentType { get; set; }

    /// <summary>The body's encoding, such as <c>utf-8</c>. ASCII.</summary>
    public string? ContentEncoding { get; set; }

    /// <summary>Which outcomes the hub is to tell by feedback.</summary>
    public CommandAcknowledgement Acknowledgement { get; set; }

    /// <summary>
    /// Until when the device may have it; whole milliseconds, at most two days ahead. Null takes the hub's own time,
    /// an hour.
    /// </summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>The application properties.</summary>
    public IDictionary<string, string> Properties => _properties ??= [];

    internal void Encode(ByteBuffer buffer, string to, Activity? activity) => new OutgoingMessage
    {
        Properties = new Properties
        {
            MessageId = AmqpValue.From(MessageId),
            To = AmqpValue.From(to),
            CorrelationId = CorrelationId is null ? null : AmqpValue.From(CorrelationId),
            ContentType = SymbolOf(ContentType, nameof(ContentType)),
            ContentEncoding = SymbolOf(ContentEncoding, nameof(ContentEncoding)),
            AbsoluteExpiryTime = ExpiresAt is { } time ? Timestamp.From(time) : null,
        },
        ApplicationProperties = ApplicationProperties(activity),
        Data = Body,
    }.Write(buffer);

    private AmqpMap ApplicationProperties(Activity? activity)
    {
        var map = new AmqpMapBuilder(MapKeyKind.String);
        if (_properties?.ContainsKey(AckName) != true)
            map.Add(AckName, TextOf(Acknowledgement));
        if (_properties is not null)
        {
            foreach (var (name, value) in _properties)
                map.Add(name, value);
        }
        if (activity is { IdFormat: ActivityIdFormat.W3C, Id: { } id }
            && _properties?.ContainsKey(Tracing.TraceParent) != true)
        {
            map.Add(Tracing.TraceParent, id);
            if (!string.IsNullOrEmpty(activity.TraceStateString))
                map.Add(Tracing.TraceState, activity.TraceStateString);
        }
        return map.Build();
    }

    private static string TextOf(CommandAcknowledgement acknowledgement) => acknowledgement switch
    {
        CommandAcknowledgement.Positive => "positive",
        CommandAcknowledgement.Negative => "negative",
        CommandAcknowledgement.Full => "full",
        _ => "none",
    };

    private static Symbol? SymbolOf(string? value, string name)
    {
        if (value is null)
            return null;
        if (!System.Text.Ascii.IsValid(value))
            throw new ArgumentException($"{name} '{value}' is not ASCII.", name);
        return new Symbol(value);
    }
}

/// <summary>Which outcomes of a command the hub tells by feedback (<c>iothub-ack</c>).</summary>
public enum CommandAcknowledgement
{
    /// <summary>None.</summary>
    None,

    /// <summary>That it was completed.</summary>
    Positive,

    /// <summary>That it was rejected, expired, or given out too often.</summary>
    Negative,

    /// <summary>All.</summary>
    Full,
}

/// <summary>A command on its way to the hub.</summary>
internal sealed class AddressedCommand(CommandMessage command, string to, Activity? activity) : ISendable
{
    public uint MessageFormat => MessageFormats.Amqp;

    public void Encode(ByteBuffer buffer) => command.Encode(buffer, to, activity);
}
