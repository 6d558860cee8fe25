using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;

namespace Hubbub.Server.Messages;

/// <summary>
/// The size of a message as the service counts it: the body, the values of the properties, and the names and values of
/// the application properties. The encoding around them does not count.
/// </summary>
internal static class TelemetrySize
{
    public static long Of(in MessageSections sections)
    {
        long size = BodySize(sections) + PropertiesSize(sections.PropertiesSection);
        if (sections.ApplicationProperties is { } application)
        {
            foreach (var (key, value) in application)
                size += ContentSize(key) + ContentSize(value);
        }
        return size;
    }

    private static long BodySize(in MessageSections sections)
    {
        if (sections.Body != BodyKind.Data)
            return sections.Value is { } value ? ContentSize(value) : sections.BodySections.Length;
        long size = 0;
        foreach (var payload in sections.Data)
            size += payload.Length;
        return size;
    }

    private static long PropertiesSize(ReadOnlyMemory<byte> section)
    {
        if (section.IsEmpty)
            return 0;
        long size = 0;
        var reader = new AmqpReader(section);
        reader.ReadDescriptor();
        for (var count = reader.ReadListHeader(out _); count > 0; count--)
            size += ContentSize(reader.ReadValue());
        return size;
    }

    private static int ContentSize(AmqpValue value)
    {
        var encoded = value.Encoded.Span;
        if (encoded.IsEmpty)
            return 0;
        // AMQP 1.2: the upper half byte of the constructor tells how wide the size in front of the content is.
        var overhead = (encoded[0] >> 4) switch
        {
            0xa => 2,
            0xb => 5,
            _ => 1,
        };
        return Math.Max(0, encoded.Length - overhead);
    }
}
