using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Server.Routing;

/// <summary>A device's message as conditions see it, over its sections as received.</summary>
internal readonly ref struct TelemetryView : IMessageView
{
    // 0x00 0x53 0x74 = described, smallulong, amqp:application-properties:map.
    private const byte ApplicationPropertiesCode = 0x74;
    private readonly ref readonly MessageSections _sections;
    private readonly TelemetrySender _sender;
    private readonly ReadOnlySpan<byte> _application;

    public TelemetryView(ref readonly MessageSections sections, TelemetrySender sender)
    {
        _sections = ref sections;
        _sender = sender;
        Bytes = sections.Message.Span;
        _application = sections.ApplicationPropertiesSection.Span;
    }

    public ReadOnlySpan<byte> Bytes { get; }

    public bool TryReadProperty(
        ref int position, TextScratch scratch, out ReadOnlySpan<byte> name, out MessageText value)
    {
        var section = _application;
        if (position == 0)
            position = FirstPropertyOf(section);
        if (position >= section.Length)
        {
            name = default;
            value = default;
            return false;
        }
        // The scan of the message has checked that all of this is there.
        var at = position;
        var key = AmqpText.ContentOf(section, ref at);
        name = section[key];
        value = AmqpText.Read(section, ref at, _sections.ApplicationPropertiesStart, scratch, isBinaryText: false);
        position = at;
        return true;
    }

    public MessageText ReadSystemProperty(SystemPropertyName name, TextScratch scratch) => name.Property switch
    {
        SystemProperty.MessageId => Field(0, scratch),
        SystemProperty.UserId => Field(1, scratch),
        SystemProperty.To => Field(2, scratch),
        SystemProperty.CorrelationId => Field(5, scratch),
        SystemProperty.ContentType => Field(6, scratch),
        SystemProperty.ContentEncoding => Field(7, scratch),
        SystemProperty.CreationTime => CreationTime(scratch),
        SystemProperty.InterfaceId => Annotation("iothub-interface-id"u8, scratch),
        SystemProperty.Subject => Annotation("dt-subject"u8, scratch),
        _ => _sender.Read(name.Property, scratch),
    };

    public ReadOnlySpan<byte> ReadBody(TextScratch scratch)
    {
        if (_sections.Body == BodyKind.Value)
        {
            var value = _sections.Value!.Value.Encoded.Span;
            return AmqpText.IsTextOrBinary(value[0]) ? value[AmqpText.ContentOf(value)] : [];
        }
        if (_sections.BodySectionCount == 1)
        {
            foreach (var payload in _sections.Data)
                return payload.Span;
            return [];
        }
        var all = scratch.Reserve(_sections.BodySections.Length);
        var length = 0;
        foreach (var payload in _sections.Data)
        {
            if (length + payload.Length > all.Length)
                return [];
            payload.Span.CopyTo(all[length..]);
            length += payload.Length;
        }
        scratch.Commit(length);
        return all[..length];
    }

    /// <summary>There are no twins yet.</summary>
    public ReadOnlySpan<byte> ReadTwin(TextScratch scratch) => [];

    public ReadOnlySpan<byte> BytesOf(MessagePart part) => part switch
    {
        MessagePart.ApplicationProperties => _application,
        MessagePart.Properties => _sections.PropertiesSection.Span,
        _ => _sections.MessageAnnotationsSection.Span,
    };

    private int FirstPropertyOf(ReadOnlySpan<byte> section)
    {
        if (section.IsEmpty)
            return 0;
        var at = 3;
        if (section[1] != FormatCode.SmallULong || section[2] != ApplicationPropertiesCode)
        {
            var reader = new AmqpReader(_sections.ApplicationPropertiesSection);
            reader.ReadDescriptor();
            at = reader.Position;
        }
        // AMQP 1.6.23: map8 has a size and a count of one byte each, map32 of four.
        return at + (section[at] == FormatCode.Map8 ? 3 : 9);
    }

    private MessageText Field(int index, TextScratch scratch)
    {
        var section = _sections.PropertiesSection;
        if (section.IsEmpty)
            return MessageText.Missing;
        var reader = new AmqpReader(section);
        reader.ReadDescriptor();
        if (reader.ReadListHeader(out _) <= index)
            return MessageText.Missing;
        for (; index > 0; index--)
            reader.SkipValue();
        var at = reader.Position;
        // A field that is null is one that the sender left out.
        return section.Span[at] == FormatCode.Null
            ? MessageText.Missing
            : AmqpText.Read(section.Span, ref at, _sections.PropertiesStart, scratch, isBinaryText: true);
    }

    /// <summary>Some clients set the field of AMQP, others a property of the service's own name.</summary>
    private MessageText CreationTime(TextScratch scratch)
    {
        var field = Field(9, scratch);
        if (!field.IsMissing)
            return field;
        var position = 0;
        while (TryReadProperty(ref position, scratch, out var name, out var value))
        {
            if (name.SequenceEqual("iothub-creation-time-utc"u8))
                return value;
        }
        return MessageText.Missing;
    }

    private MessageText Annotation(ReadOnlySpan<byte> name, TextScratch scratch)
    {
        if (_sections.MessageAnnotations is not { } annotations)
            return MessageText.Missing;
        foreach (var (key, value) in annotations)
        {
            var code = key.Encoded.Span[0];
            if (!AmqpText.IsTextOrBinary(code)
                || !key.Encoded.Span[AmqpText.ContentOf(key.Encoded.Span)].SequenceEqual(name))
                continue;
            var encoded = value.Encoded.Span;
            return AmqpText.IsTextOrBinary(encoded[0])
                ? scratch.Add(encoded[AmqpText.ContentOf(encoded)])
                : MessageText.Missing;
        }
        return MessageText.Missing;
    }
}
