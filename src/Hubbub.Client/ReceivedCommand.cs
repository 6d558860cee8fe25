using System.Diagnostics;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;
using Hubbub.Client.Events;

namespace Hubbub.Client;

/// <summary>
/// A command as the device got it, locked for it (a minute at IoT hubs): one of <see cref="CompleteAsync"/>,
/// <see cref="RejectAsync"/> and <see cref="AbandonAsync"/> ends the lock; else it is given out again.
/// </summary>
public sealed class ReceivedCommand
{
    private readonly ReceivedMessage _message;
    private readonly MessageSections _sections;
    private readonly Properties _properties;
    private readonly AmqpMap _annotations;
    private IReadOnlyDictionary<string, object?>? _applicationProperties;

    internal ReceivedCommand(ReceivedMessage message)
    {
        _message = message;
        if (!MessageSections.TryRead(message.Payload, SectionOrder.Lenient, out _sections, out var problem))
            throw new HubbubException(
                problem.Condition, $"a command cannot be decoded: {problem.Text}", message.Link.Address);
        _properties = _sections.ReadProperties() ?? new Properties();
        _annotations = _sections.MessageAnnotations.GetValueOrDefault();
    }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Body => EventBody.Of(_sections);

    /// <summary>The service's id of the command, as text; null when it gave none.</summary>
    public string? MessageId => ClrValue.TextOf(_properties.MessageId);

    /// <summary>The service's correlation id, as text.</summary>
    public string? CorrelationId => ClrValue.TextOf(_properties.CorrelationId);

    /// <summary>Whom it is for: <c>/devices/{id}/messages/devicebound</c>.</summary>
    public string? To => ClrValue.TextOf(_properties.To);

    /// <summary>The body's media type.</summary>
    public string? ContentType => _properties.ContentType?.Value;

    /// <summary>The body's encoding.</summary>
    public string? ContentEncoding => _properties.ContentEncoding?.Value;

    /// <summary>When it expires; null when the service did not say.</summary>
    public DateTimeOffset? ExpiresAt => _properties.AbsoluteExpiryTime?.ToDateTimeOffset();

    /// <summary>The application properties; those of IoT hubs are text, also <c>iothub-ack</c>.</summary>
    public IReadOnlyDictionary<string, object?> Properties =>
        _applicationProperties ??= ClrValue.DictionaryOf(
            _sections.ApplicationProperties.GetValueOrDefault(), static _ => true);

    /// <summary>The hub's number of the command: later ones have higher numbers.</summary>
    public long SequenceNumber => NumberOf("x-opt-sequence-number");

    /// <summary>When the hub took it; whole milliseconds.</summary>
    public DateTimeOffset EnqueuedTime =>
        _annotations.TryGet("iothub-enqueuedtime", out var value) && value.TryGetTimestamp(out var time)
            ? time.ToDateTimeOffset()
            : default;

    /// <summary>How often the device has given it back before; 0 at first.</summary>
    public int DeliveryCount => (int)NumberOf("iothub-deliverycount");

    /// <summary>The lock, which the hub knows it by: the delivery-tag (amqp.md 3.4).</summary>
    public Guid LockToken => _message.LockToken;

    /// <summary>Says that it is done; completes when the hub has stored that. It never comes back.</summary>
    /// <exception cref="HubbubException"><see cref="HubbubCondition.MessageLockLost"/>: too late; or the connection
    /// was lost, and nobody knows.</exception>
    public Task CompleteAsync(CancellationToken cancellationToken = default) =>
        SettleAsync(Accepted.Instance, cancellationToken);

    /// <summary>Says that it cannot be done; completes when the hub has stored that. It never comes back.</summary>
    /// <exception cref="HubbubException">As for <see cref="CompleteAsync"/>.</exception>
    public Task RejectAsync(CancellationToken cancellationToken = default) =>
        SettleAsync(new Rejected(), cancellationToken);

    /// <summary>Gives it back: the hub gives it out again at once, ten times at most.</summary>
    /// <exception cref="HubbubException">As for <see cref="CompleteAsync"/>.</exception>
    public Task AbandonAsync(CancellationToken cancellationToken = default) =>
        SettleAsync(Released.Instance, cancellationToken);

    /// <summary>
    /// Begins an activity that continues the sender's trace; to be disposed of when the command is dealt with. Null
    /// when nobody listens to <see cref="HubbubDiagnostics.ActivitySourceName"/>.
    /// </summary>
    public Activity? StartActivity() => Tracing.StartProcessing(_message.Link.Address, _sections);

    /// <summary>Its number and id.</summary>
    public override string ToString() => $"command {SequenceNumber}, message-id {MessageId}";

    private Task SettleAsync(DeliveryState outcome, CancellationToken cancellationToken) =>
        _message.Link.SettleAsync(_message, outcome, cancellationToken);

    private long NumberOf(string name) =>
        _annotations.TryGet(name, out var value) && value.TryGetInt64(out var number) ? number : 0;
}
