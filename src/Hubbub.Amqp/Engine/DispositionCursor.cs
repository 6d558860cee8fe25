using System.Runtime.CompilerServices;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// Walks the deliveries that one disposition of the peer settles or updates, an event each. The work is bounded by
/// what is unsettled, however wide the range claims to be; the owner may send, settle or detach between two events.
/// </summary>
internal struct DispositionCursor
{
    private readonly DeliveryState? _state;
    private readonly uint _last;
    private readonly bool _settled;
    private AmqpSession? _session;
    private uint _next;

    public DispositionCursor(AmqpSession session, uint first, uint last, DeliveryState? state, bool settled)
    {
        _session = session;
        _next = first;
        _last = last;
        _state = state;
        _settled = settled;
    }

    /// <summary>The next delivery concerned.</summary>
    public bool TryNext(ref AmqpEvent e)
    {
        if (_session is not { } session)
            return false;
        ref var entry = ref session.OutgoingUnsettled.FindFirst(_next, _last);
        if (Unsafe.IsNullRef(ref entry))
        {
            this = default;
            return false;
        }
        e.Kind = AmqpEventKind.DeliveryUpdated;
        e.Session = session;
        e.Link = entry.Link;
        e.Token = entry.Token;
        e.State = _state;
        e.RemoteSettled = _settled;
        e.Delivery = new IncomingDelivery
        {
            Id = entry.Id,
            MessageFormat = 0,
            Settled = _settled,
            Tag = default,
            Payload = default,
        };
        _next = unchecked(entry.Id + 1);
        if (entry.Id == _last)
            _session = null;
        if (_settled)
        {
            session.OutgoingUnsettled.Remove(ref entry);
            session.ReportRoom();
        }
        return true;
    }
}
