using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// What one link has sent under a lock and the peer has not settled, in the order in which the locks end. A peer that
/// never settles must not fill its session's room for unsettled deliveries: when a lock is over, so is the delivery.
/// Under the connection's lock; bounded by that room.
/// </summary>
internal sealed class LockedDeliveries(HubConnection connection)
{
    private const int LockTokenBytes = 16;
    private LockedDelivery? _first;
    private LockedDelivery? _last;

    /// <summary>
    /// Begins a message whose delivery-tag is the lock token; as <see cref="SenderLink.BeginMessage"/>.
    /// </summary>
    public static int BeginMessage(SenderLink sender, Guid lockToken)
    {
        Span<byte> tag = stackalloc byte[LockTokenBytes];
        lockToken.TryWriteBytes(tag);
        return sender.BeginMessage(tag, 0, IsSettledBySending(sender));
    }

    /// <summary>Ends it; the delivery is held until it is settled, or its lock is over.</summary>
    public void EndMessage(SenderLink sender, int start, Guid lockToken, DateTimeOffset lockedUntil)
    {
        if (IsSettledBySending(sender))
        {
            sender.EndMessage(start);
            return;
        }
        var delivery = new LockedDelivery(lockToken, lockedUntil, sender.LastDeliveryId);
        sender.EndMessage(start, delivery);
        delivery.Previous = _last;
        if (_last is null)
            _first = delivery;
        else
            _last.Next = delivery;
        (_last, delivery.IsHeld) = (delivery, true);
    }

    /// <summary>True when sending is the last word (snd-settle-mode settled).</summary>
    public static bool IsSettledBySending(SenderLink sender) =>
        sender.SenderSettleMode == SenderSettleMode.Settled;

    /// <summary>
    /// The peer has told an outcome, which will be answered; nothing happens when it is not held any more.
    /// </summary>
    public void Remove(LockedDelivery delivery)
    {
        if (!delivery.IsHeld)
            return;
        if (delivery.Previous is null)
            _first = delivery.Next;
        else
            delivery.Previous.Next = delivery.Next;
        if (delivery.Next is null)
            _last = delivery.Previous;
        else
            delivery.Next.Previous = delivery.Previous;
        (delivery.Previous, delivery.Next, delivery.IsHeld) = (null, null, false);
    }

    /// <summary>
    /// Settles the deliveries whose lock is over, with the outcome that a late disposition would get.
    /// </summary>
    public void SettleOverdue(SenderLink sender)
    {
        if (_first is null)
            return;
        var now = connection.Services.Time.GetUtcNow();
        while (_first is { } delivery && delivery.LockedUntil <= now)
        {
            // A message that is still on its way is none that could be settled.
            if (sender.HasPartlySent && delivery.Id == sender.LastDeliveryId)
                return;
            Remove(delivery);
            var error = new HubError(
                HubErrorCode.DeviceMessageLockLost,
                $"The lock {delivery.LockToken} has ended; the message is given again.");
            sender.Settle(delivery.Id, new Rejected { Error = error.ToAmqp(connection.TrackingId()) });
        }
    }
}

/// <summary>One delivery under a lock; the engine gives it back with the peer's outcome.</summary>
/// <param name="lockToken">The lock.</param>
/// <param name="lockedUntil">Its end.</param>
/// <param name="id">Its delivery-id.</param>
internal sealed class LockedDelivery(Guid lockToken, DateTimeOffset lockedUntil, uint id)
{
    public Guid LockToken { get; } = lockToken;

    public DateTimeOffset LockedUntil { get; } = lockedUntil;

    public uint Id { get; } = id;

    /// <summary>Set by <see cref="LockedDeliveries"/>, as its neighbours are.</summary>
    public bool IsHeld { get; set; }

    public LockedDelivery? Previous { get; set; }

    public LockedDelivery? Next { get; set; }
}
