using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Messages;

/// <summary>
/// A device's message taken apart into what is stored: the pairs of its message annotations that it may set, and its
/// sections from the properties on, as received. The memory is the thread's own and lives until the next call on it,
/// so that connections hold none.
/// </summary>
internal sealed class TelemetryMessage
{
    // A data section without a byte in it: 0x00 0x53 0x75 = described, smallulong, amqp:data:binary; 0xa0 = vbin8.
    private static readonly byte[] EmptyBody = [0x00, 0x53, 0x75, 0xa0, 0];

    [ThreadStatic]
    private static TelemetryMessage? t_current;

    private readonly ByteBuffer _annotations = new();
    private readonly ByteBuffer _sections = new();

    /// <summary>The scratch space of this thread.</summary>
    public static TelemetryMessage Current => t_current ??= new TelemetryMessage();

    /// <summary>Encoded pairs to keep.</summary>
    public ReadOnlySpan<byte> Annotations => _annotations.WrittenSpan;

    /// <summary>Elements (keys plus values) in <see cref="Annotations"/>.</summary>
    public int AnnotationCount { get; private set; }

    /// <summary>The message from its properties on.</summary>
    public ReadOnlyMemory<byte> Sections { get; private set; }

    /// <summary>Takes one message apart.</summary>
    /// <param name="sections">The message, scanned.</param>
    /// <param name="problem">What is wrong with it, when the result is false.</param>
    public bool TryRead(in MessageSections sections, out MessageProblem problem)
    {
        problem = default;
        if (_annotations.Length > 0)
            _annotations.Clear();
        AnnotationCount = 0;
        if (!sections.MessageAnnotationsSection.IsEmpty
            && !TryKeepAnnotations(sections.MessageAnnotations!.Value, out problem))
            return false;
        // One client leaves an empty body out; what is stored always has one, for readers count on it.
        Sections = sections.Body != BodyKind.None && sections.BareMessage is { } bare ? bare : InOrder(sections);
        return true;
    }

    private bool TryKeepAnnotations(AmqpMap annotations, out MessageProblem problem)
    {
        problem = default;
        foreach (var (key, value) in annotations)
        {
            var reader = key.Reader;
            var name = key.Kind switch
            {
                AmqpKind.Symbol => reader.ReadSymbolBytes(),
                // AMQP 3.2.10 wants symbols, but Python's libraries write strings. Readers see no difference between
                // the two, so what is reserved is reserved in either form.
                AmqpKind.String => reader.ReadStringBytes(),
                _ => default,
            };
            if (name.IsEmpty)
            {
                problem = new MessageProblem(
                    ErrorCondition.InvalidField, "A key of the message annotations is neither a symbol nor a string.");
                return false;
            }
            if (HubAnnotations.IsReserved(name))
                continue;
            _annotations.Write(key.Encoded.Span);
            _annotations.Write(value.Encoded.Span);
            AnnotationCount += 2;
        }
        if (_annotations.Length <= MessageLimits.AnnotationBytesMax)
            return true;
        problem = new MessageProblem(
            ErrorCondition.InvalidField,
            $"The message annotations have {_annotations.Length} bytes; "
            + $"{MessageLimits.AnnotationBytesMax} are allowed.");
        return false;
    }

    // The C SDK writes its annotations behind the application properties; the stored form has the standard order.
    private ReadOnlyMemory<byte> InOrder(in MessageSections sections)
    {
        if (_sections.Length > MessageLimits.ScratchBytesKept)
            _sections.Release();
        _sections.Clear();
        _sections.Write(sections.PropertiesSection.Span);
        _sections.Write(sections.ApplicationPropertiesSection.Span);
        _sections.Write(sections.Body == BodyKind.None ? EmptyBody : sections.BodySections.Span);
        return _sections.WrittenMemory;
    }
}
