using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>A stored event taken apart for a sink. All of it are slices that live as long as the event.</summary>
public readonly ref struct StoredMessage
{
    private readonly MessageSections _sections;
    private readonly StoredEvent _event;

    /// <summary>
    /// Takes an event apart. One that cannot be decoded, which the hub never stores, is all body: it must not stop the
    /// events behind it for ever.
    /// </summary>
    public StoredMessage(StoredEvent stored)
    {
        _event = stored;
        var isReadable = MessageSections.TryRead(stored.Sections, SectionOrder.Lenient, out _sections, out _);
        Properties = isReadable ? _sections.ReadProperties() : null;
        Body = isReadable ? BodyOf(_sections) : stored.Sections;
    }

    /// <summary>The properties section; null when there is none.</summary>
    public Properties? Properties { get; }

    /// <summary>What the sender set; empty when it set nothing.</summary>
    public AmqpMap ApplicationProperties => _sections.ApplicationProperties.GetValueOrDefault();

    /// <summary>
    /// The payload: bytes, or the UTF-8 bytes of a text; of anything else its AMQP encoding.
    /// </summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The annotations: first those that the hub added, then those that the sender brought.</summary>
    public AnnotationPairs Annotations => new(_event);

    /// <summary>The device that the hub has authenticated; null for events of other origin.</summary>
    public string? DeviceId
    {
        get
        {
            foreach (var (key, value) in Annotations)
            {
                if (key.TextEquals("iothub-connection-device-id"))
                    return PropertyText.Of(value);
            }
            return null;
        }
    }

    private static ReadOnlyMemory<byte> BodyOf(in MessageSections sections)
    {
        switch (sections.Body)
        {
            case BodyKind.Data when sections.BodySectionCount == 1:
                foreach (var payload in sections.Data)
                    return payload;
                return default;
            case BodyKind.Data:
                using (var joined = new ByteBuffer())
                {
                    foreach (var payload in sections.Data)
                        joined.Write(payload.Span);
                    return joined.WrittenSpan.ToArray();
                }
            case BodyKind.Value when sections.Value is { } value:
                if (value.TryGetBinary(out var bytes))
                    return bytes;
                return value.TryGetString(out var text) ? Encoding.UTF8.GetBytes(text) : value.Encoded;
            default:
                return sections.BodySections;
        }
    }
}

/// <summary>The annotations of a stored event, for <c>foreach</c>. Allocates nothing.</summary>
public struct AnnotationPairs
{
    private ReadOnlyMemory<byte> _rest;
    private ReadOnlyMemory<byte> _next;

    internal AnnotationPairs(StoredEvent stored) => (_rest, _next) = (stored.Stamp, stored.Annotations);

    /// <summary>The pair that <see cref="MoveNext"/> came to.</summary>
    public AmqpMapEntry Current { get; private set; }

    public readonly AnnotationPairs GetEnumerator() => this;

    /// <summary>Moves to the next pair; false at the end.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            (_rest, _next) = (_next, default);
        if (_rest.IsEmpty)
            return false;
        var reader = new AmqpReader(_rest);
        Current = new AmqpMapEntry(reader.ReadValue(), reader.ReadValue());
        _rest = _rest[reader.Position..];
        return true;
    }
}
