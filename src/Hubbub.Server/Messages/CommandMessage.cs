using System.Globalization;
using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Messages;

/// <summary>
/// A command on the wire: read from a service and put into the form in which devices can take it, which is stored; and
/// written to a device, with the annotations of this delivery in front.
/// </summary>
internal static class CommandMessage
{
    private const string AckProperty = "iothub-ack";
    private const string DevicePath = "/devices/";

    /// <summary>Takes a service's message apart.</summary>
    /// <param name="sections">The message, scanned.</param>
    /// <param name="hub">Whose addresses are meant.</param>
    /// <param name="registry">Knows which reading of an id with a percent sign is meant.</param>
    /// <returns>The command, or ArgumentInvalid with what is wrong.</returns>
    public static HubResult<NewCommand> Read(in MessageSections sections, HubIdentity hub, IdentityRegistry registry)
    {
        var properties = sections.ReadProperties();
        if (properties?.To is not { } toValue || !toValue.TryGetString(out var to))
            return Invalid("the property 'to' is missing; it names the device as /devices/{id}/messages/devicebound");
        var address = LinkAddress.Parse(to, hub).WithRegisteredId(registry);
        if (address.Kind != LinkAddressKind.DeviceCommands)
            return Invalid("the property 'to' is not of the form /devices/{id}[/modules/{id}]/messages/devicebound");
        if (!TryReadAck(sections, out var ack))
            return Invalid("iothub-ack must be none, positive, negative or full");
        var messageId = IdText(properties.MessageId);
        if (messageId?.Length > CommandLimits.MessageIdCharsMax)
            return Invalid($"the message-id has more than {CommandLimits.MessageIdCharsMax} characters");
        using var buffer = new ByteBuffer();
        WriteProperties(buffer, sections, properties, to, address);
        if (WriteApplicationProperties(buffer, sections) is { } badProperty)
            return Invalid(badProperty);
        if (WriteBody(buffer, sections) is { } badBody)
            return Invalid(badBody);
        return new NewCommand
        {
            Target = new CommandTarget(address.DeviceId!, address.ModuleId),
            MessageId = messageId,
            Ack = ack,
            // Zero is what some clients write for a time that was not set.
            ExpiresAt = properties.AbsoluteExpiryTime is { UnixTimeMs: > 0 } expiry ? expiry.ToDateTimeOffset() : null,
            // Whom it is for is no part of what it says: so a body of the greatest size can be sent.
            SizeBytes = (int)TelemetrySize.Of(sections) - Encoding.UTF8.GetByteCount(to),
            Payload = buffer.WrittenSpan.ToArray(),
        };
    }

    /// <summary>Appends the message of a delivery to a device.</summary>
    public static void Write(ByteBuffer output, LockedCommand command)
    {
        // These types are what clients cast to, without looking (ulong, timestamp, ubyte, string).
        var writer = new AmqpWriter(output);
        var mark = writer.BeginMessageAnnotations();
        writer.WriteSymbol(HubAnnotations.SequenceNumber);
        writer.WriteULong((ulong)command.SequenceNumber);
        writer.WriteSymbol(HubAnnotations.IotHubEnqueuedTime);
        writer.WriteTimestamp(command.EnqueuedAt);
        writer.WriteSymbol(HubAnnotations.DeliveryCount);
        writer.WriteUByte((byte)Math.Min(command.DeliveryCount, byte.MaxValue));
        writer.WriteSymbol(HubAnnotations.LockToken);
        writer.WriteString(command.LockToken.ToString());
        writer.EndMap(mark, 8);
        output.Write(command.Payload.Span);
    }

    /// <summary>
    /// A message-id or correlation-id as text: services are told ids as text, whatever type they sent.
    /// </summary>
    public static string? IdText(AmqpValue? id)
    {
        if (id is not { } value || value.IsNull)
            return null;
        if (value.TryGetString(out var text))
            return text;
        if (value.TryGetGuid(out var guid))
            return guid.ToString();
        if (value.TryGetUInt64(out var number))
            return number.ToString(CultureInfo.InvariantCulture);
        return value.TryGetBinary(out var bytes) ? Convert.ToBase64String(bytes.Span) : null;
    }

    private static bool TryReadAck(in MessageSections sections, out FeedbackMode ack)
    {
        ack = FeedbackMode.None;
        return sections.ApplicationProperties is not { } application
            || !application.TryGet(AckProperty, out var value) || value.IsNull
            || value.TryGetString(out var text, orSymbol: true)
                && (text.Length == 0 || FeedbackModes.TryParse(text, out ack));
    }

    private static void WriteProperties(
        ByteBuffer buffer, in MessageSections sections, Properties properties, string to, in LinkAddress address)
    {
        if (to.StartsWith(DevicePath, StringComparison.OrdinalIgnoreCase))
        {
            buffer.Write(sections.PropertiesSection.Span);
            return;
        }
        // Devices know one spelling of their address.
        var module = address.ModuleId is null ? "" : $"/modules/{Uri.EscapeDataString(address.ModuleId)}";
        var canonical = $"{DevicePath}{Uri.EscapeDataString(address.DeviceId!)}{module}/messages/devicebound";
        var writer = new AmqpWriter(buffer);
        (properties with { To = AmqpValue.From(canonical) }).Write(ref writer);
    }

    // Devices take strings only: the C SDK refuses a message that has another value, the .NET SDK drops the value.
    private static string? WriteApplicationProperties(ByteBuffer buffer, in MessageSections sections)
    {
        if (sections.ApplicationProperties is not { } application)
            return null;
        var writer = new AmqpWriter(buffer);
        var mark = writer.BeginApplicationProperties();
        var elements = 0;
        foreach (var (key, value) in application)
        {
            if (value.IsNull)
                continue;
            writer.WriteValue(key);
            if (value.Kind == AmqpKind.String)
                writer.WriteValue(value);
            else if (TextOf(value) is { } text)
                writer.WriteString(text);
            else
                return $"the application property {key} has the type {value.Kind}, which has no form as text";
            elements += 2;
        }
        writer.EndMap(mark, elements);
        return null;
    }

    private static string? TextOf(AmqpValue value) => value.Kind switch
    {
        AmqpKind.Symbol => value.TryGetSymbol(out var symbol) ? symbol.Value : null,
        AmqpKind.Binary => value.TryGetBinary(out var bytes) ? Convert.ToBase64String(bytes.Span) : null,
        AmqpKind.Boolean or AmqpKind.Uuid or AmqpKind.Timestamp or AmqpKind.Float or AmqpKind.Double
            or AmqpKind.UByte or AmqpKind.UShort or AmqpKind.UInt or AmqpKind.ULong
            or AmqpKind.Byte or AmqpKind.Short or AmqpKind.Int or AmqpKind.Long => value.ToString(),
        _ => null,
    };

    // Devices take one data section.
    private static string? WriteBody(ByteBuffer buffer, in MessageSections sections)
    {
        var writer = new AmqpWriter(buffer);
        switch (sections.Body)
        {
            case BodyKind.Data when sections.BodySectionCount == 1:
                buffer.Write(sections.BodySections.Span);
                return null;
            case BodyKind.Data:
                using (var joined = new ByteBuffer())
                {
                    foreach (var payload in sections.Data)
                        joined.Write(payload.Span);
                    writer.WriteDataSection(joined.WrittenSpan);
                }
                return null;
            case BodyKind.None:
                writer.WriteDataSection(default);
                return null;
            case BodyKind.Value when sections.Value is { } value:
                if (value.IsNull)
                    writer.WriteDataSection(default);
                else if (value.TryGetString(out var text))
                    writer.WriteDataSection(Encoding.UTF8.GetBytes(text));
                else if (value.TryGetBinary(out var bytes))
                    writer.WriteDataSection(bytes.Span);
                else
                    return "the body is a value that is neither text nor binary";
                return null;
            default:
                return "the body is a sequence; devices take data";
        }
    }

    private static HubError Invalid(string why) =>
        new(HubErrorCode.ArgumentInvalid, $"The command is not valid: {why}.");
}
