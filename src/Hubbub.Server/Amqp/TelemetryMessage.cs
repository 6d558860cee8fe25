using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Amqp;

/// <summary>
/// A device's message taken apart into what is stored: the pairs of its message annotations that it may set, and its
/// sections from the properties on, as received. Reusable; its memory lives until the next call.
/// </summary>
internal sealed class TelemetryMessage
{
    private readonly ByteBuffer _annotations = new();
    private readonly ByteBuffer _sections = new();

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
        _annotations.Clear();
        AnnotationCount = 0;
        if (sections.Body == BodyKind.None)
        {
            problem = new MessageProblem(ErrorCondition.DecodeError, "The message has no body.");
            return false;
        }
        if (!sections.MessageAnnotationsSection.IsEmpty && !TryKeepAnnotations(sections.MessageAnnotations!.Value, out problem))
            return false;
        Sections = sections.BareMessage ?? InOrder(sections);
        return true;
    }

    /// <summary>Gives the buffers back.</summary>
    public void Release()
    {
        _annotations.Release();
        _sections.Release();
    }

    private bool TryKeepAnnotations(AmqpMap annotations, out MessageProblem problem)
    {
        problem = default;
        foreach (var (key, value) in annotations)
        {
            var reader = key.Reader;
            if (key.Kind == AmqpKind.Symbol && HubAnnotations.IsReserved(reader.ReadSymbolBytes()))
                continue;
            _annotations.Write(key.Encoded.Span);
            _annotations.Write(value.Encoded.Span);
            AnnotationCount += 2;
        }
        if (_annotations.Length <= HubAmqpLimits.AnnotationBytesMax)
            return true;
        problem = new MessageProblem(
            ErrorCondition.InvalidField,
            $"The message annotations have {_annotations.Length} bytes; {HubAmqpLimits.AnnotationBytesMax} are allowed.");
        return false;
    }

    // The C SDK writes its annotations behind the application properties; the stored form has the standard order.
    private ReadOnlyMemory<byte> InOrder(in MessageSections sections)
    {
        _sections.Clear();
        _sections.Write(sections.PropertiesSection.Span);
        _sections.Write(sections.ApplicationPropertiesSection.Span);
        _sections.Write(sections.BodySections.Span);
        return _sections.WrittenMemory;
    }
}
