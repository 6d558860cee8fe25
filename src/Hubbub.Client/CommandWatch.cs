using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Client.Connections;
using Hubbub.Client.Events;

namespace Hubbub.Client;

/// <summary>
/// An open link over which the hub tells every change of a device's commands. Watching takes nothing from anybody.
/// To be enumerated by one at a time.
/// </summary>
public sealed class CommandWatch : IAsyncEnumerable<CommandChange>, IAsyncDisposable
{
    private readonly MessageLink _link;

    internal CommandWatch(MessageLink link) => _link = link;

    /// <summary>The changes as they come.</summary>
    /// <exception cref="HubbubException">The link has ended; changes may have been missed.</exception>
    public async IAsyncEnumerator<CommandChange> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var message = await _link.ReadAsync(cancellationToken).ConfigureAwait(false);
            _link.Release(message);
            if (Read(message) is { } change)
                yield return change;
        }
    }

    /// <summary>Detaches the link.</summary>
    public ValueTask DisposeAsync()
    {
        _link.Connection?.Detach(_link);
        return ValueTask.CompletedTask;
    }

    private static CommandChange? Read(ReceivedMessage message)
    {
        if (!MessageSections.TryRead(message.Payload, SectionOrder.Lenient, out var sections, out _))
            return null;
        var properties = sections.ApplicationProperties.GetValueOrDefault();
        if (!properties.TryGet("iothub-command", out var value) || !value.TryGetString(out var word, orSymbol: true))
            return null;
        return new CommandChange(
            ClrValue.TextOf(sections.ReadProperties()?.MessageId),
            KindOf(word),
            word,
            NumberOf(properties, "iothub-sequence-number"),
            (int)NumberOf(properties, "iothub-deliverycount"),
            properties.TryGet("iothub-time", out var time) && time.TryGetTimestamp(out var happened)
                ? happened.ToDateTimeOffset()
                : default);
    }

    private static long NumberOf(AmqpMap properties, string name) =>
        properties.TryGet(name, out var value) && value.TryGetInt64(out var number) ? number : 0;

    private static CommandChangeKind KindOf(string word) => word switch
    {
        "enqueued" => CommandChangeKind.Enqueued,
        "delivered" => CommandChangeKind.Delivered,
        "returned" => CommandChangeKind.Returned,
        "completed" => CommandChangeKind.Completed,
        "rejected" => CommandChangeKind.Rejected,
        "expired" => CommandChangeKind.Expired,
        "delivery-count-exceeded" => CommandChangeKind.DeliveryCountExceeded,
        "purged" => CommandChangeKind.Purged,
        _ => CommandChangeKind.Unknown,
    };
}
