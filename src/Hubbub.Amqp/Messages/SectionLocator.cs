using System.Buffers.Binary;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Messages;

/// <summary>
/// Finds the sections of a message by the sizes that they begin with, and looks into none: for whoever wants one part
/// of a message from a peer that he trusts to have checked it.
/// </summary>
internal static class SectionLocator
{
    private const int BodyIndex = 5;
    private const int FooterIndex = 6;

    /// <summary>0x00, 0x53 (smallulong) and the section's code: how everybody writes its descriptor.</summary>
    private const int DescriptorBytes = 3;

    /// <returns>False when the message is unusual or wrong: only a whole scan can tell.</returns>
    public static bool TryLocate(ReadOnlyMemory<byte> message, out MessageSections sections)
    {
        sections = default;
        var ranges = default(SectionRanges);
        var (body, bodySections) = (BodyKind.None, 0);
        var rest = message.Span;
        var start = 0;
        while (!rest.IsEmpty)
        {
            if (!TryMeasure(rest, out var code, out var length))
                return false;
            var index = IndexOf(code);
            ref var range = ref ranges[index];
            if (index == BodyIndex)
            {
                var kind = KindOf(code);
                if (bodySections++ > 0
                    && (kind != body || kind == BodyKind.Value || range.Start + range.Length != start))
                    return false;
                if (kind == BodyKind.Data && rest[DescriptorBytes] is not (FormatCode.Binary8 or FormatCode.Binary32))
                    return false;
                (body, length) = (kind, length + range.Length);
                range = new SectionRange(range.Length == 0 ? start : range.Start, length);
            }
            else if (range.Length > 0)
            {
                return false;
            }
            else
            {
                range = new SectionRange(start, length);
            }
            rest = message.Span[(range.Start + range.Length)..];
            start = range.Start + range.Length;
        }
        sections = new MessageSections(message, ranges, body, bodySections);
        return start > 0;
    }

    private static int IndexOf(byte code) => code switch
    {
        < (byte)SectionDescriptor.Data => code - (byte)SectionDescriptor.Header,
        (byte)SectionDescriptor.Footer => FooterIndex,
        _ => BodyIndex,
    };

    private static BodyKind KindOf(byte code) => code switch
    {
        (byte)SectionDescriptor.Data => BodyKind.Data,
        (byte)SectionDescriptor.AmqpSequence => BodyKind.Sequence,
        _ => BodyKind.Value,
    };

    private static bool TryMeasure(ReadOnlySpan<byte> section, out byte code, out int length)
    {
        (code, length) = (0, 0);
        if (section.Length <= DescriptorBytes || section[0] != FormatCode.Described
            || section[1] != FormatCode.SmallULong)
            return false;
        code = section[2];
        if (code is < (byte)SectionDescriptor.Header or > (byte)SectionDescriptor.Footer)
            return false;
        var value = section[DescriptorBytes..];
        // AMQP 1.2.2: the upper four bits of the format code tell how wide a value is, or its size.
        long size = (value[0] >> 4) switch
        {
            0x4 => 1,
            0xA or 0xC when value.Length > 1 => 2 + value[1],
            0xB or 0xD when value.Length > 4 => 5 + (long)BinaryPrimitives.ReadUInt32BigEndian(value[1..]),
            _ => 0,
        };
        if (size == 0 || size > value.Length)
            return false;
        length = DescriptorBytes + (int)size;
        return true;
    }
}
