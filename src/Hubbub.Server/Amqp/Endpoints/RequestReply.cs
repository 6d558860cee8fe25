using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>A request to a node, as far as both nodes read it alike.</summary>
internal readonly ref struct NodeRequest
{
    private NodeRequest(Properties? properties, AmqpMap application, MessageSections sections)
    {
        MessageId = properties?.MessageId;
        ReplyTo = properties?.ReplyTo is { } address && address.TryGetString(out var text) ? text : null;
        Application = application;
        Sections = sections;
    }

    /// <summary>Echoed as correlation-id, type and bytes unchanged.</summary>
    public AmqpValue? MessageId { get; }

    /// <summary>What the client calls the link for the reply; null when it says nothing.</summary>
    public string? ReplyTo { get; }

    public AmqpMap Application { get; }

    public MessageSections Sections { get; }

    /// <summary>Takes a request apart.</summary>
    /// <returns>False when the message is malformed; then <paramref name="problem"/> says why.</returns>
    public static bool TryRead(in IncomingDelivery delivery, out NodeRequest request, out MessageProblem problem)
    {
        request = default;
        if (!MessageSections.TryRead(delivery.Payload, SectionOrder.Request, out var sections, out problem))
            return false;
        request = new NodeRequest(sections.ReadProperties(), sections.ApplicationProperties ?? default, sections);
        return true;
    }

    /// <summary>A text among the application properties; null when it is missing or no text.</summary>
    public string? Text(string key) =>
        Application.TryGet(key, out var value) && value.Undescribed().TryGetString(out var text, orSymbol: true)
            ? text
            : null;

    /// <summary>
    /// The reply's frame: correlation, status and description, always both, as clients cast without looking.
    /// </summary>
    public OutgoingMessage Reply(int status, string description, AmqpValue? body = null, string? condition = null)
    {
        var application = new AmqpMapBuilder(MapKeyKind.String)
            .Add("status-code", status)
            .Add("status-description", AmqpErrors.Shorten(description));
        if (condition is not null)
            application.Add("error-condition", new Symbol(condition));
        return new OutgoingMessage
        {
            Properties = MessageId is null ? null : new Properties { CorrelationId = MessageId },
            ApplicationProperties = application.Build(),
            Value = body ?? AmqpValue.From((string?)null),
        };
    }
}
