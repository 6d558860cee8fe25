using System.Runtime.CompilerServices;

namespace Hubbub.Amqp.Engine;

/// <summary>Delivery count and credit of one link end (AMQP 2.6.7). Arithmetic only.</summary>
public struct LinkCredit
{
    // Deliveries beyond the credit that may be under way because more credit was out before: see Grant.
    private uint _takenBack;

    /// <summary>Starts with no credit.</summary>
    public LinkCredit(uint initialDeliveryCount) => DeliveryCount = initialDeliveryCount;

    /// <summary>Serial number of the next delivery.</summary>
    public uint DeliveryCount { get; private set; }

    /// <summary>Deliveries that may still be sent.</summary>
    public uint Available { get; private set; }

    /// <summary>Takes one delivery's worth.</summary>
    /// <returns>False when there is no credit, nor was there any that the sender may not know to be gone.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake()
    {
        if (Available == 0)
        {
            if (_takenBack == 0)
                return false;
            _takenBack--;
        }
        else
        {
            Available--;
        }
        DeliveryCount = unchecked(DeliveryCount + 1);
        return true;
    }

    /// <summary>
    /// The receiver's side: sets what the sender may still send. Less than before takes credit back, and the sender
    /// may have used that before it hears of it, so it is still taken.
    /// </summary>
    public void Grant(uint credit)
    {
        var mostEver = Math.Min((ulong)Available + _takenBack, uint.MaxValue);
        _takenBack = mostEver > credit ? (uint)mostEver - credit : 0;
        Available = credit;
    }

    /// <summary>
    /// The receiver's side: the sender has moved its delivery-count forward without sending (AMQP 2.6.7, drain).
    /// </summary>
    /// <returns>False when the count is not ahead of this one.</returns>
    public bool AdvanceTo(uint deliveryCount)
    {
        var ahead = SequenceNumber.Distance(deliveryCount, DeliveryCount);
        if (ahead <= 0)
            return false;
        DeliveryCount = deliveryCount;
        var mostEver = (ulong)Available + _takenBack;
        Available = Available > (uint)ahead ? Available - (uint)ahead : 0;
        _takenBack = mostEver > (uint)ahead + (ulong)Available ? (uint)(mostEver - (uint)ahead - Available) : 0;
        return true;
    }

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
