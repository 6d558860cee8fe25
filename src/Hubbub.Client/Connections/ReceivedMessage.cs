using Hubbub.Amqp.Engine;

namespace Hubbub.Client.Connections;

/// <summary>A message of a <see cref="MessageLink"/>, with what it takes to settle it.</summary>
internal sealed class ReceivedMessage
{
    private const int LockTokenBytes = 16;
    private int _isTaken;
    private volatile HubbubException? _lockLost;

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

    /// <summary>Why it is not ours any more: the peer has settled it. Null while it is.</summary>
    public HubbubException? LockLost
    {
        get => _lockLost;
        set => _lockLost = value;
    }

    /// <summary>Whoever waits for the peer to confirm its outcome. Under the driver's lock.</summary>
    public TaskCompletionSource? Confirming { get; set; }

    /// <summary>True once: for the one who settles it.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;
}
