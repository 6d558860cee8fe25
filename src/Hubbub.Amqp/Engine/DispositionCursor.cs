using System.Runtime.CompilerServices;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// Walks the deliveries that one disposition of the peer settles or updates, an event each. The work is bounded by
/// what is unsettled, however wide the range claims to be.
/// </summary>
internal struct DispositionCursor
{
    private AmqpSession? _session;
    private DeliveryState? _state;
    private uint _next;
    private int _left;
    private readonly bool _settled;

    public DispositionCursor(AmqpSession session, uint start, int count, DeliveryState? state, bool settled)
    {
        _session = session;
        _next = start;
        _left = count;
        _state = state;
        _settled = settled;
    }

    /// <summary>The next delivery concerned.</summary>
    public bool TryNext(ref AmqpEvent e)
    {
        while (_left > 0)
        {
            var id = _next;
            _next = unchecked(_next + 1);
            _left--;
            ref var entry = ref _session!.OutgoingUnsettled.Find(id);
            if (Unsafe.IsNullRef(ref entry) || entry.Link is null)
                continue;
            e.Kind = AmqpEventKind.DeliveryUpdated;
            e.Session = _session;
            e.Link = entry.Link;
            e.Token = entry.Token;
            e.State = _state;
            e.RemoteSettled = _settled;
            e.Delivery = new IncomingDelivery
            {
                Id = id,
                MessageFormat = 0,
                Settled = _settled,
                Tag = default,
                Payload = default,
            };
            if (_settled)
                _session.OutgoingUnsettled.Remove(ref entry);
            return true;
        }
        _session = null;
        _state = null;
        return false;
    }
}
