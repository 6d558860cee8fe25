using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Messages;

/// <summary>A message to send. At most one of <see cref="Data"/> and <see cref="Value"/> is set.</summary>
public sealed record OutgoingMessage
{
    /// <summary>The header section.</summary>
    public Header? Header { get; init; }

    /// <summary>The delivery-annotations section: symbol keys.</summary>
    public AmqpMap? DeliveryAnnotations { get; init; }

    /// <summary>The message-annotations section: symbol keys.</summary>
    public AmqpMap? MessageAnnotations { get; init; }

    /// <summary>The properties section.</summary>
    public Properties? Properties { get; init; }

    /// <summary>The application-properties section: string keys, simple values.</summary>
    public AmqpMap? ApplicationProperties { get; init; }

    /// <summary>The payload of the one data section.</summary>
    public ReadOnlyMemory<byte>? Data { get; init; }

    /// <summary>The value of the amqp-value section.</summary>
    public AmqpValue? Value { get; init; }

    /// <summary>
    /// Appends the encoded message. With no body set it gets an empty data section, for AMQP asks for a body.
    /// </summary>
    public void Write(ByteBuffer buffer)
    {
        var writer = new AmqpWriter(buffer);
        Header?.Write(ref writer);
        WriteMap(ref writer, SectionDescriptor.DeliveryAnnotations, DeliveryAnnotations);
        WriteMap(ref writer, SectionDescriptor.MessageAnnotations, MessageAnnotations);
        Properties?.Write(ref writer);
        WriteMap(ref writer, SectionDescriptor.ApplicationProperties, ApplicationProperties);
        if (Value is { } value)
        {
            writer.WriteDescriptor(SectionDescriptor.AmqpValue);
            writer.WriteValue(value);
        }
        else
        {
            writer.WriteDataSection(Data.GetValueOrDefault().Span);
        }
    }

    /// <summary>The encoded message in memory of its own.</summary>
    public byte[] ToArray()
    {
        using var buffer = new ByteBuffer();
        Write(buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteMap(ref AmqpWriter writer, ulong section, AmqpMap? map)
    {
        if (map is not { } present)
            return;
        writer.WriteDescriptor(section);
        writer.WriteMap(present);
    }
}
