using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>
/// A link that receives: its messages go to a sink, and credit comes back as the sink's reader takes them.
/// </summary>
internal sealed class ReceivingLink(string address, IDeliverySink sink, uint credit) : ClientLink(address)
{
    private volatile uint _credit = credit;
    private bool _isToFlush;

    /// <summary>How many messages the peer has been allowed to have under way. From anywhere.</summary>
    public uint Granted => _credit;

    public override void OnEvent(in AmqpEvent e)
    {
        if (e.Kind != AmqpEventKind.Delivery)
            return;
        sink.OnDelivery(e.Delivery);
        if (!_isToFlush)
            Connection!.FlushLater(this);
        _isToFlush = true;
    }

    public override void Flush()
    {
        // The reading side's alone, as OnEvent is: what comes after this is flushed after it.
        _isToFlush = false;
        sink.OnDelivered();
    }

    /// <summary>
    /// Says that messages have been dealt with, so that the peer may send more. Under the driver's lock.
    /// </summary>
    /// <param name="count">How many came settled.</param>
    /// <param name="unsettled">First and last delivery-id of those that did not; they are accepted.</param>
    /// <param name="newCredit">How many may be under way from now on.</param>
    public void Release(uint count, (uint First, uint Last)? unsettled, uint newCredit)
    {
        if (Link is not ReceiverLink { IsAttached: true } link)
            return;
        if (unsettled is { } range)
            link.Settle(range.First, range.Last, Accepted.Instance);
        if (count > 0)
            link.Release(count);
        if (newCredit == _credit)
            return;
        _credit = newCredit;
        link.Grant(newCredit);
    }

    protected override void OnReady() => ((ReceiverLink)Link!).Grant(_credit);

    protected override void OnStopped(HubbubException end) => sink.OnEnded(end);
}
