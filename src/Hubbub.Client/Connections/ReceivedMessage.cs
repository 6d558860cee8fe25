using Hubbub.Amqp.Engine;

namespace Hubbub.Client.Connections;

/// <summary>A message of a <see cref="MessageLink"/>, with what it takes to settle it.</summary>
internal sealed class ReceivedMessage
{
    private const int LockTokenBytes = 16;
    private int _isTaken;

    public ReceivedMessage(MessageLink link, in IncomingDelivery delivery)
    {
        Link = link;
        DeliveryId = delivery.Id;
        IsSettled = delivery.Settled;
        Payload = delivery.Payload.ToArray();
        // amqp.md 3.4: the delivery-tag of a command is its lock token, a GUID in .NET's byte order.
        LockToken = delivery.Tag.Length == LockTokenBytes ? new Guid(delivery.Tag.Span) : Guid.Empty;
    }

    public MessageLink Link { get; }

    public uint DeliveryId { get; }

    /// <summary>True when the sender wants no outcome.</summary>
    public bool IsSettled { get; }

    /// <summary>The encoded message, in memory of its own.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    public Guid LockToken { get; }

    /// <summary>True once: for the one who settles it.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;
}
