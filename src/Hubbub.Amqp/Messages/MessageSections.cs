using System.Runtime.CompilerServices;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Messages;

/// <summary>
/// Where the sections of one encoded message lie. Everything is a slice of the message and lives as long as it;
/// <see cref="TryRead"/> has checked all of it, so the accessors do not throw; <see cref="TryLocate"/> has not.
/// </summary>
public readonly struct MessageSections
{
    private const int BodyIndex = 5;
    private const int FooterIndex = 6;

    private readonly ReadOnlyMemory<byte> _message;
    private readonly SectionRanges _ranges;

    internal MessageSections(ReadOnlyMemory<byte> message, in SectionRanges ranges, BodyKind body, int bodySections)
    {
        _message = message;
        _ranges = ranges;
        Body = body;
        BodySectionCount = bodySections;
    }

    /// <summary>What the body consists of.</summary>
    public BodyKind Body { get; }

    /// <summary>How many sections the body has; in a batch, how many messages.</summary>
    public int BodySectionCount { get; }

    /// <summary>The whole message.</summary>
    public ReadOnlyMemory<byte> Message => _message;

    /// <summary>The header section, descriptor included; empty when there is none.</summary>
    public ReadOnlyMemory<byte> HeaderSection => Slice(0);

    /// <summary>The delivery-annotations section, descriptor included; empty when there is none.</summary>
    public ReadOnlyMemory<byte> DeliveryAnnotationsSection => Slice(1);

    /// <summary>The message-annotations section, descriptor included; empty when there is none.</summary>
    public ReadOnlyMemory<byte> MessageAnnotationsSection => Slice(2);

    /// <summary>The properties section, descriptor included; empty when there is none.</summary>
    public ReadOnlyMemory<byte> PropertiesSection => Slice(3);

    /// <summary>The application-properties section, descriptor included; empty when there is none.</summary>
    public ReadOnlyMemory<byte> ApplicationPropertiesSection => Slice(4);

    /// <summary>Where <see cref="PropertiesSection"/> begins in <see cref="Message"/>.</summary>
    public int PropertiesStart => _ranges[3].Start;

    /// <summary>Where <see cref="ApplicationPropertiesSection"/> begins in <see cref="Message"/>.</summary>
    public int ApplicationPropertiesStart => _ranges[4].Start;

    /// <summary>The sections of the body, descriptors included; empty when there are none.</summary>
    public ReadOnlyMemory<byte> BodySections => Slice(BodyIndex);

    /// <summary>The footer section, descriptor included; empty when there is none.</summary>
    public ReadOnlyMemory<byte> FooterSection => Slice(FooterIndex);

    /// <summary>
    /// Properties, application-properties and body in one slice (AMQP 3.2: what nobody on the way may change).
    /// Null when something else stands between them, which <see cref="SectionOrder.Lenient"/> lets pass.
    /// </summary>
    public ReadOnlyMemory<byte>? BareMessage
    {
        get
        {
            int start = int.MaxValue, end = 0, length = 0;
            for (var i = 3; i <= BodyIndex; i++)
            {
                var range = _ranges[i];
                if (range.Length == 0)
                    continue;
                start = Math.Min(start, range.Start);
                end = Math.Max(end, range.Start + range.Length);
                length += range.Length;
            }
            if (length == 0)
                return ReadOnlyMemory<byte>.Empty;
            var isInOrder = _ranges[4].Length == 0 || _ranges[3].Length == 0 || _ranges[3].Start < _ranges[4].Start;
            return length == end - start && isInOrder ? _message[start..end] : default(ReadOnlyMemory<byte>?);
        }
    }

    /// <summary>The delivery-annotations.</summary>
    public AmqpMap? DeliveryAnnotations => Map(1);

    /// <summary>The message-annotations.</summary>
    public AmqpMap? MessageAnnotations => Map(2);

    /// <summary>The application-properties.</summary>
    public AmqpMap? ApplicationProperties => Map(4);

    /// <summary>The footer.</summary>
    public AmqpMap? Footer => Map(FooterIndex);

    /// <summary>The payloads of the data sections, in order; none when the body is something else.</summary>
    public DataSections Data => new(Body == BodyKind.Data ? BodySections : default);

    /// <summary>The value of the amqp-value section; null when the body is something else.</summary>
    public AmqpValue? Value => Body == BodyKind.Value ? new AmqpValue(Undescribed(BodyIndex)) : null;

    /// <summary>Finds the sections of a message and checks them all: structure, types, order, number.</summary>
    /// <param name="message">The message, all of it and nothing else.</param>
    /// <param name="order">Which order is accepted.</param>
    /// <param name="sections">The sections, when the result is true.</param>
    /// <param name="problem">What is wrong, when the result is false.</param>
    /// <param name="messageFormat">The format of the transfer: a batch may have any number of data sections.</param>
    public static bool TryRead(
        ReadOnlyMemory<byte> message,
        SectionOrder order,
        out MessageSections sections,
        out MessageProblem problem,
        uint messageFormat = MessageFormats.Amqp) =>
        SectionScanner.TryScan(message, order, messageFormat, out sections, out problem);

    /// <summary>
    /// Finds the sections of a message by their sizes alone. What they hold is not checked: the accessors may throw an
    /// <see cref="AmqpException"/>, and a body may turn out to be none.
    /// </summary>
    /// <param name="message">The message, all of it and nothing else.</param>
    /// <param name="sections">The sections, when the result is true.</param>
    /// <returns>False when <see cref="TryRead"/> has to tell what the message is.</returns>
    public static bool TryLocate(ReadOnlyMemory<byte> message, out MessageSections sections) =>
        SectionLocator.TryLocate(message, out sections);

    /// <summary>Reads the header.</summary>
    public Header? ReadHeader()
    {
        if (HeaderSection.IsEmpty)
            return null;
        var reader = new AmqpReader(Undescribed(0));
        return Header.Read(ref reader);
    }

    /// <summary>Reads the properties.</summary>
    public Properties? ReadProperties()
    {
        if (PropertiesSection.IsEmpty)
            return null;
        var reader = new AmqpReader(Undescribed(3));
        return Properties.Read(ref reader);
    }

    private AmqpMap? Map(int index) => _ranges[index].Length == 0 ? null : new AmqpMap(Undescribed(index));

    private ReadOnlyMemory<byte> Slice(int index) => _message.Slice(_ranges[index].Start, _ranges[index].Length);

    private ReadOnlyMemory<byte> Undescribed(int index)
    {
        var section = Slice(index);
        var reader = new AmqpReader(section);
        reader.ReadDescriptor();
        return section[reader.Position..];
    }
}

/// <summary>Where a section lies in its message; length 0 when it is not there.</summary>
internal readonly record struct SectionRange(int Start, int Length);

/// <summary>Header, both annotations, both properties, body, footer: in the order of AMQP 3.2.</summary>
[InlineArray(7)]
internal struct SectionRanges
{
    private SectionRange _first;
}
