using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;

namespace Hubbub.Client.Events;

/// <summary>The bytes of a message's body, whatever sections it has.</summary>
internal static class EventBody
{
    public static ReadOnlyMemory<byte> Of(in MessageSections sections) => sections.Body switch
    {
        BodyKind.Data when sections.BodySectionCount == 1 => First(sections.Data),
        BodyKind.Data => Join(sections.Data),
        BodyKind.Value => OfValue(sections.Value.GetValueOrDefault()),
        _ => default,
    };

    private static ReadOnlyMemory<byte> First(DataSections data)
    {
        foreach (var payload in data)
            return payload;
        return default;
    }

    private static byte[] Join(DataSections data)
    {
        using var buffer = new ByteBuffer();
        foreach (var payload in data)
            buffer.Write(payload.Span);
        return buffer.WrittenSpan.ToArray();
    }

    private static ReadOnlyMemory<byte> OfValue(AmqpValue value)
    {
        if (value.TryGetBinary(out var bytes))
            return bytes;
        return value.TryGetString(out var text) ? Encoding.UTF8.GetBytes(text) : default;
    }
}
