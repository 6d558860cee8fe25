using System.Runtime.CompilerServices;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

// Transfers, flows and dispositions: windows and unsettled deliveries (AMQP 2.5.6, 2.6.7, 2.6.12).
public sealed partial class AmqpSession
{
    private const long EchoWindowMs = 1_000;
    private uint _nextDeliveryId;
    private bool _echoPending;
    private long _echoSinceMs;
    private int _echoes;

    /// <summary>Links whose last message waits, in part, for the peer's window.</summary>
    internal int PartialSends { get; set; }

    internal bool OnTransfer(in Transfer transfer, ReadOnlyMemory<byte> payload, ref AmqpLink? link, ref AmqpEvent e)
    {
        if (State == SessionState.EndSent)
            return false;
        if (!_incoming.TryTake())
        {
            throw SessionError(
                ErrorCondition.WindowViolation, "A transfer came beyond the incoming window (AMQP 2.5.6).");
        }
        link = _linksByRemoteHandle[transfer.Handle];
        if (link is not ReceiverLink receiver)
        {
            throw SessionError(
                ErrorCondition.UnattachedHandle,
                $"Transfer names handle {transfer.Handle}, which is no receiving link.");
        }
        var done = receiver.OnTransfer(transfer, payload, ref e);
        if (_incoming.IsLow)
            WriteFlow(null, echo: false);
        return done;
    }

    internal bool OnFlow(in Flow flow, ref AmqpLink? link, ref AmqpEvent e)
    {
        if (State == SessionState.EndSent)
            return false;
        var wasShut = _outgoing.Remaining == 0;
        if (!_outgoing.Update(flow.NextIncomingId ?? _firstTransferId, flow.IncomingWindow))
            throw SessionError(ErrorCondition.WindowViolation, "next-incoming-id is ahead of what was sent.");
        if (!_incoming.TryRebase(flow.NextOutgoingId))
            throw SessionError(ErrorCondition.WindowViolation, "next-outgoing-id goes back behind what was sent.");
        ResumePartialSends();
        if (wasShut && _outgoing.Remaining > 0)
            Connection.Defer(new AmqpEvent { Kind = AmqpEventKind.WindowOpened, Session = this });
        if (flow.Handle is not { } handle)
        {
            if (flow.Echo)
                RequestEcho(null);
            return false;
        }
        link = _linksByRemoteHandle[handle]
            ?? throw SessionError(
                ErrorCondition.UnattachedHandle, $"Flow names handle {handle}, which is not attached.");
        var news = link.OnFlow(flow);
        if (flow.Echo)
            RequestEcho(link);
        if (!news)
            return false;
        e.Kind = AmqpEventKind.LinkFlow;
        e.Session = this;
        e.Link = link;
        return true;
    }

    internal bool OnDisposition(in Disposition disposition, out DispositionCursor cursor)
    {
        cursor = default;
        if (State == SessionState.EndSent)
            return false;
        var last = disposition.Last ?? disposition.First;
        // A range of more than half the number space has no order (RFC 1982), so its sender cannot mean it.
        if (SequenceNumber.Distance(last, disposition.First) < 0)
        {
            throw new AmqpException(
                ErrorScope.Connection,
                ErrorCondition.NotAllowed,
                $"Disposition range {disposition.First}..{last} goes backwards.");
        }
        if (disposition.Role == Role.Receiver)
        {
            cursor = new DispositionCursor(this, disposition.First, last, disposition.State, disposition.Settled);
            return true;
        }
        if (disposition.Settled)
            SettledBySender(disposition.First, last, disposition.State);
        return false;
    }

    /// <summary>
    /// Tells the peer the state of deliveries that it sent; only those of <paramref name="link"/> are meant.
    /// </summary>
    internal void Settle(ReceiverLink link, uint first, uint last, DeliveryState state)
    {
        var ring = IncomingUnsettled;
        var settled = link.SettlesFirst;
        // Some senders look at an outcome only when they have read all that came, and a second one would be what they
        // see. The details of two refusals differ, so only acceptance runs over its like.
        var (told, others) = state is Accepted
            ? (UnsettledRing.ToldOutcomes.Accepted, UnsettledRing.ToldOutcomes.Others)
            : (UnsettledRing.ToldOutcomes.Others,
                UnsettledRing.ToldOutcomes.Accepted | UnsettledRing.ToldOutcomes.Others);
        uint runStart = 0, runEnd = 0;
        var inRun = false;
        for (var index = ring.IndexOf(first); index < ring.Span; index++)
        {
            ref var entry = ref ring[index];
            var id = entry.Id;
            if (SequenceNumber.IsAfter(id, last))
                break;
            var isMeant = entry.Link == link && !entry.IsTold && !link.IsPartial(id);
            // A range may run over ids that nothing is unsettled under, never over a delivery that is not meant.
            if (inRun && ((!isMeant && entry.Link is not null) || (entry.Told & others) != 0))
            {
                WriteDisposition(Role.Receiver, runStart, runEnd, settled, state);
                inRun = false;
            }
            if (!isMeant)
                continue;
            if (!inRun)
                (runStart, inRun) = (id, true);
            runEnd = id;
            if (settled)
            {
                link.OnSettled(entry.TagKey, told: false);
                ring.Forget(ref entry);
                entry.Told |= told;
            }
            else
            {
                entry.IsTold = true;
                link.OnTold();
            }
        }
        ring.Trim();
        if (inRun)
            WriteDisposition(Role.Receiver, runStart, runEnd, settled, state);
    }

    /// <summary>Settles a delivery that this side sent, as rcv-settle-mode second wants it (AMQP 2.6.12).</summary>
    internal void SettleSent(uint id, DeliveryState? state)
    {
        ref var entry = ref OutgoingUnsettled.Find(id);
        if (Unsafe.IsNullRef(ref entry))
            return;
        OutgoingUnsettled.Remove(ref entry);
        ReportRoom();
        if (State == SessionState.Mapped)
            WriteDisposition(Role.Sender, id, id, settled: true, state);
    }

    /// <summary>Tells the owner when senders that waited for unsettled deliveries may go on.</summary>
    internal void ReportRoom()
    {
        if (OutgoingUnsettled.TakeHasRoomAgain())
            Connection.Defer(new AmqpEvent { Kind = AmqpEventKind.WindowOpened, Session = this });
    }

    /// <summary>Takes one frame's place in the peer's window.</summary>
    internal void TakeOutgoing() => _outgoing.Take();

    internal uint TakeDeliveryId() => _nextDeliveryId++;

    internal void WriteFlow(AmqpLink? link, bool echo)
    {
        if (State != SessionState.Mapped)
            return;
        _incoming.Announced();
        var flow = new Flow
        {
            NextIncomingId = _incoming.NextIncomingId,
            IncomingWindow = _incoming.Size,
            NextOutgoingId = _outgoing.NextOutgoingId,
            OutgoingWindow = _outgoing.Remaining,
            Handle = link?.Handle,
            DeliveryCount = link?.DeliveryCount,
            LinkCredit = link?.Credit,
            Available = link is null ? null : 0u,
            Drain = link?.DrainFlag ?? false,
            Echo = echo,
        };
        var start = BeginFrame();
        var writer = new AmqpWriter(Output);
        flow.Write(ref writer);
        FrameWriter.End(Output, start);
    }

    /// <summary>Answers echo requests that were put off.</summary>
    internal void AnswerEcho()
    {
        if (!_echoPending)
            return;
        _echoPending = false;
        WriteFlow(null, echo: false);
        for (uint handle = 0; handle < _linksByHandle.Capacity; handle++)
        {
            if (_linksByHandle[handle] is not { EchoPending: true } link)
                continue;
            link.EchoPending = false;
            if (link.IsAttached)
                WriteFlow(link, echo: false);
        }
    }

    // Echo requests beyond the rate are answered together at the next tick: one flow tells the whole state.
    private void RequestEcho(AmqpLink? link)
    {
        var now = Connection.NowMs;
        if (now - _echoSinceMs >= EchoWindowMs)
            (_echoSinceMs, _echoes) = (now, 0);
        if (++_echoes <= _limits.EchoesPerSecondMax)
        {
            if (link is null || link.IsAttached)
                WriteFlow(link, echo: false);
            return;
        }
        _echoPending = true;
        if (link is not null)
            link.EchoPending = true;
        Connection.AnswerEchoesBy(_echoSinceMs + EchoWindowMs);
    }

    private void SettledBySender(uint first, uint last, DeliveryState? state)
    {
        var ring = IncomingUnsettled;
        for (var index = ring.IndexOf(first); index < ring.Span; index++)
        {
            ref var entry = ref ring[index];
            if (SequenceNumber.IsAfter(entry.Id, last))
                break;
            if (entry.Link is not ReceiverLink link || link.IsPartial(entry.Id))
                continue;
            link.OnSettled(entry.TagKey, entry.IsTold);
            ReportSettled(link, entry.Id, state);
            ring.Forget(ref entry);
            link.TopUp();
        }
        ring.Trim();
    }

    private void ReportSettled(ReceiverLink link, uint id, DeliveryState? state) => Connection.Defer(new AmqpEvent
    {
        Kind = AmqpEventKind.DeliverySettled,
        Session = this,
        Link = link,
        State = state,
        RemoteSettled = true,
        Delivery = new IncomingDelivery
        {
            Id = id,
            MessageFormat = 0,
            Settled = true,
            Tag = default,
            Payload = default,
        },
    });

    private void ResumePartialSends()
    {
        if (PartialSends == 0)
            return;
        for (uint handle = 0; handle < _linksByHandle.Capacity; handle++)
        {
            if (_linksByHandle[handle] is SenderLink sender)
                sender.ResumePartial();
        }
    }

    private void WriteDisposition(Role role, uint first, uint last, bool settled, DeliveryState? state)
    {
        if (state is Rejected { Error: not null } rejected)
            state = rejected with { Error = rejected.Error.Fit(Connection.RemoteFrameSizeBytesMax) };
        var disposition = new Disposition
        {
            Role = role,
            First = first,
            Last = last,
            Settled = settled,
            State = state,
        };
        var start = BeginFrame();
        var writer = new AmqpWriter(Output);
        disposition.Write(ref writer);
        FrameWriter.End(Output, start);
    }
}
