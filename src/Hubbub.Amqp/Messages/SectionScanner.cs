using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Messages;

/// <summary>One pass over a message, from section to section; the state of that pass.</summary>
internal ref struct SectionScanner
{
    private const int BodyIndex = 5;
    private const int FooterIndex = 6;

    private AmqpReader _reader;
    private readonly SectionOrder _order;
    private readonly bool _isBatch;
    private SectionRanges _ranges;
    private BodyKind _body;
    private int _bodySections;
    private int _last;

    private SectionScanner(ReadOnlyMemory<byte> message, SectionOrder order, bool isBatch)
    {
        _reader = new AmqpReader(message);
        _order = order;
        _isBatch = isBatch;
        _last = -1;
    }

    internal static bool TryScan(
        ReadOnlyMemory<byte> message,
        SectionOrder order,
        uint messageFormat,
        out MessageSections sections,
        out MessageProblem problem)
    {
        problem = default;
        if (TryScanSingleData(message, out sections))
            return true;
        try
        {
            var scanner = new SectionScanner(message, order, messageFormat == MessageFormats.Batch);
            var text = scanner.Scan(ref problem);
            if (text is null)
            {
                sections = new MessageSections(message, scanner._ranges, scanner._body, scanner._bodySections);
                return true;
            }
            if (problem == default)
                problem = new MessageProblem(ErrorCondition.DecodeError, text);
        }
        catch (AmqpException exception)
        {
            // A message that cannot be decoded costs its sender the message, not the connection.
            problem = new MessageProblem(exception.Condition, exception.Message);
        }
        return false;
    }

    /// <summary>Most telemetry is one data section and nothing else: a look at the header of it is enough.</summary>
    private static bool TryScanSingleData(ReadOnlyMemory<byte> message, out MessageSections sections)
    {
        sections = default;
        var span = message.Span;
        if (span.Length < 5 || span[0] != FormatCode.Described || span[1] != FormatCode.SmallULong
            || span[2] != (byte)SectionDescriptor.Data)
            return false;
        var size = span[3] switch
        {
            FormatCode.Binary8 => 5 + span[4],
            FormatCode.Binary32 when span.Length >= 8 =>
                8 + (long)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(span[4..]),
            _ => -1,
        };
        if (size != span.Length)
            return false;
        var ranges = default(SectionRanges);
        ranges[BodyIndex] = new SectionRange(0, span.Length);
        sections = new MessageSections(message, ranges, BodyKind.Data, 1);
        return true;
    }

    /// <summary>Scans all sections; the text says what is wrong, null that nothing is.</summary>
    private string? Scan(ref MessageProblem problem)
    {
        if (_reader.IsAtEnd)
            return "a message has no sections";
        while (!_reader.IsAtEnd)
        {
            var start = _reader.Position;
            var descriptor = _reader.ReadDescriptor();
            if (descriptor is < SectionDescriptor.Header or > SectionDescriptor.Footer)
                return "a section is of no known type";
            var text = descriptor is >= SectionDescriptor.Data and <= SectionDescriptor.AmqpValue
                ? ScanBody(start, descriptor)
                : ScanOther(start, descriptor, ref problem);
            if (text is not null)
                return text;
        }
        return null;
    }

    private string? ScanBody(int start, ulong descriptor)
    {
        var kind = descriptor switch
        {
            SectionDescriptor.Data => BodyKind.Data,
            SectionDescriptor.AmqpSequence => BodyKind.Sequence,
            _ => BodyKind.Value,
        };
        if (_last > BodyIndex)
            return "a body section follows the footer";
        if (_body != BodyKind.None && (_body != kind || kind == BodyKind.Value))
            return "a body has sections of two kinds, or two values";
        switch (kind)
        {
            case BodyKind.Data:
                _reader.ReadBinary();
                break;
            case BodyKind.Sequence when AmqpKinds.Of(_reader.PeekFormatCode()) != AmqpKind.List:
                return "an amqp-sequence section is not a list";
            default:
                _reader.SkipValue();
                break;
        }
        if (++_bodySections > CodecLimits.SectionsMax && !_isBatch)
            return $"a message has more than {CodecLimits.SectionsMax} sections";
        _body = kind;
        _last = BodyIndex;
        // Body sections stand next to each other, for any section but these and the footer is refused after one.
        var first = _ranges[BodyIndex].Length == 0 ? start : _ranges[BodyIndex].Start;
        _ranges[BodyIndex] = new SectionRange(first, _reader.Position - first);
        return null;
    }

    private string? ScanOther(int start, ulong descriptor, ref MessageProblem problem)
    {
        var index = descriptor == SectionDescriptor.Footer ? FooterIndex : (int)(descriptor - SectionDescriptor.Header);
        if (_ranges[index].Length > 0)
            return "a section stands there twice";
        var isInOrder = _order == SectionOrder.Strict ? index > _last : index == FooterIndex || _last < BodyIndex;
        if (!isInOrder)
            return "the sections are out of order";
        switch (descriptor)
        {
            case SectionDescriptor.Header:
                SectionFields.CheckHeader(ref _reader);
                break;
            case SectionDescriptor.Properties:
                SectionFields.CheckProperties(ref _reader);
                break;
            default:
                var map = new AmqpReader(_reader.ReadMap().Encoded);
                if (descriptor == SectionDescriptor.ApplicationProperties
                    && SectionFields.CheckApplicationProperties(ref map, _order == SectionOrder.Request) is { } text)
                {
                    problem = new MessageProblem(ErrorCondition.InvalidField, text);
                    return text;
                }
                break;
        }
        _ranges[index] = new SectionRange(start, _reader.Position - start);
        _last = Math.Max(_last, index);
        return null;
    }
}
