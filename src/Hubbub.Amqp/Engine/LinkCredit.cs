using System.Runtime.CompilerServices;

namespace Hubbub.Amqp.Engine;

/// <summary>Delivery count and credit of one link end (AMQP 2.6.7). Arithmetic only.</summary>
public struct LinkCredit
{
    /// <summary>Starts with no credit.</summary>
    public LinkCredit(uint initialDeliveryCount) => DeliveryCount = initialDeliveryCount;

    /// <summary>Serial number of the next delivery.</summary>
    public uint DeliveryCount { get; private set; }

    /// <summary>Deliveries that may still be sent.</summary>
    public uint Available { get; private set; }

    /// <summary>Takes one delivery's worth.</summary>
    /// <returns>False when there is no credit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake()
    {
        if (Available == 0)
            return false;
        Available--;
        DeliveryCount = unchecked(DeliveryCount + 1);
        return true;
    }

    /// <summary>The receiver's side: sets what the sender may still send.</summary>
    public void Grant(uint credit) => Available = credit;

    /// <summary>
    /// The sender's side: applies a flow. AMQP 2.6.7: credit = receiver's delivery-count + link-credit - own
    /// delivery-count; what is in flight has used part of it, and a stale flow never makes it negative.
    /// </summary>
    public void Update(uint receiverDeliveryCount, uint linkCredit)
    {
        var inFlight = unchecked(DeliveryCount - receiverDeliveryCount);
        Available = inFlight <= int.MaxValue && linkCredit > inFlight ? linkCredit - inFlight : 0;
    }

    /// <summary>AMQP 2.6.7: a drained sender advances its delivery-count until no credit is left.</summary>
    public void Drain()
    {
        DeliveryCount = unchecked(DeliveryCount + Available);
        Available = 0;
    }
}
