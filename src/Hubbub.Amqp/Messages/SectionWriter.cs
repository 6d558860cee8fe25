using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Messages;

/// <summary>Writes single sections, for those who put messages together without an object each.</summary>
public static class SectionWriter
{
    /// <summary>Writes a data section. In a batch, the payload is an encoded message.</summary>
    public static void WriteDataSection(this ref AmqpWriter writer, scoped ReadOnlySpan<byte> payload)
    {
        writer.WriteDescriptor(SectionDescriptor.Data);
        writer.WriteBinary(payload);
    }

    /// <summary>Begins the message-annotations section: symbols and values follow.</summary>
    /// <returns>The mark for <see cref="AmqpWriter.EndMap"/>.</returns>
    public static int BeginMessageAnnotations(this ref AmqpWriter writer)
    {
        writer.WriteDescriptor(SectionDescriptor.MessageAnnotations);
        return writer.BeginMap();
    }

    /// <summary>Begins the application-properties section: strings and simple values follow.</summary>
    /// <returns>The mark for <see cref="AmqpWriter.EndMap"/>.</returns>
    public static int BeginApplicationProperties(this ref AmqpWriter writer)
    {
        writer.WriteDescriptor(SectionDescriptor.ApplicationProperties);
        return writer.BeginMap();
    }
}
