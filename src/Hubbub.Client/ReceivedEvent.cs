using System.Diagnostics;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;
using Hubbub.Client.Events;

namespace Hubbub.Client;

/// <summary>An event as the hub gave it. Decoded when it is asked, part by part; not safe for concurrent use.</summary>
/// <remarks>
/// It is a view of a block of up to 64 KiB in which it came, and keeps that alive: whoever stores single events for
/// long copies what is needed.
/// </remarks>
public sealed class ReceivedEvent
{
    private readonly ReadOnlyMemory<byte> _message;
    private EventDetails? _details;

    internal ReceivedEvent(string partitionId, ReadOnlyMemory<byte> message) =>
        (PartitionId, _message) = (partitionId, message);

    /// <summary>The partition that it lies in.</summary>
    public string PartitionId { get; }

    /// <summary>Its number in the partition: dense, ascending.</summary>
    public long SequenceNumber =>
        Annotation(EventAnnotations.SequenceNumber).TryGetInt64(out var value)
            ? value
            : throw Missing(EventAnnotations.SequenceNumber);

    /// <summary>Its position in the partition, to resume from.</summary>
    public string Offset =>
        Annotation(EventAnnotations.Offset).TryGetString(out var value)
            ? value
            : throw Missing(EventAnnotations.Offset);

    /// <summary>When the hub took it; whole milliseconds.</summary>
    public DateTimeOffset EnqueuedTime =>
        Annotation(EventAnnotations.EnqueuedTime).TryGetTimestamp(out var value)
            ? value.ToDateTimeOffset()
            : throw Missing(EventAnnotations.EnqueuedTime);

    /// <summary>The device that sent it, as the hub has authenticated it; null for events of other origin.</summary>
    public string? DeviceId => Text(EventAnnotations.DeviceId);

    /// <summary>The module that sent it, if one did.</summary>
    public string? ModuleId => Text(EventAnnotations.ModuleId);

    /// <summary>The payload; an amqp-value of text or bytes counts as one too.</summary>
    public ReadOnlyMemory<byte> Body
    {
        get
        {
            var sections = Located();
            return EventBody.Of(sections.Body == BodyKind.Value ? Details.Sections : sections);
        }
    }

    /// <summary>The body's media type, as the device says.</summary>
    public string? ContentType => Details.Properties?.ContentType?.Value;

    /// <summary>The body's encoding, as the device says.</summary>
    public string? ContentEncoding => Details.Properties?.ContentEncoding?.Value;

    /// <summary>The device's id of the message, as text.</summary>
    public string? MessageId => ClrValue.TextOf(Details.Properties?.MessageId);

    /// <summary>The device's correlation id, as text.</summary>
    public string? CorrelationId => ClrValue.TextOf(Details.Properties?.CorrelationId);

    /// <summary>
    /// The properties that the device set: text, numbers, booleans, <see cref="DateTimeOffset"/>, bytes.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Properties => Details.ApplicationProperties;

    /// <summary>
    /// What the hub added, besides sequence number, offset and enqueued time: <c>iothub-connection-device-id</c> and so
    /// on.
    /// </summary>
    public IReadOnlyDictionary<string, object?> SystemProperties => Details.SystemProperties;

    /// <summary>
    /// Begins an activity that continues the sender's trace; to be disposed of when the event is dealt with. Null when
    /// nobody listens to <see cref="HubbubDiagnostics.ActivitySourceName"/>.
    /// </summary>
    public Activity? StartActivity() => Tracing.StartProcessing($"partition {PartitionId}", Details.Sections);

    /// <summary>Where it lies.</summary>
    public override string ToString() => $"partition {PartitionId}, sequence number {SequenceNumber}";

    private EventDetails Details => _details ??= new EventDetails(_message, PartitionId);

    // Most readers want the body and the place of an event: those are found without a look at all the rest.
    private MessageSections Located() =>
        MessageSections.TryLocate(_message, out var sections) ? sections : Details.Sections;

    private AmqpValue Annotation(string name)
    {
        try
        {
            var annotations = Located().MessageAnnotations.GetValueOrDefault();
            return annotations.TryGet(name, out var value) ? value : default;
        }
        catch (AmqpException e)
        {
            throw new HubbubException(
                e.Condition, $"an event cannot be decoded: {e.Message}", $"partition {PartitionId}", null, e);
        }
    }

    private string? Text(string name) => Annotation(name).TryGetString(out var text) ? text : null;

    private HubbubException Missing(string name) =>
        new(ErrorCondition.DecodeError, $"an event came without {name}", $"partition {PartitionId}");
}
