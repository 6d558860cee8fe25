using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>
/// A link that receives: its messages go to a sink, and credit comes back as the sink's reader takes them.
/// </summary>
internal sealed class ReceivingLink(string address, IDeliverySink sink, uint credit) : ClientLink(address)
{
    private uint _credit = credit;

    public override void OnEvent(in AmqpEvent e)
    {
        if (e.Kind == AmqpEventKind.Delivery)
            sink.OnDelivery(e.Delivery);
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
