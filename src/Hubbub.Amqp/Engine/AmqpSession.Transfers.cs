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

    internal uint NextDeliveryId => _nextDeliveryId;

    /// <summary>Links whose last message waits, in part, for the peer's window.</summary>
    internal int PartialSends { get; set; }

    internal bool OnTransfer(in Transfer transfer, ReadOnlyMemory<byte> payload, ref AmqpLink? link, ref AmqpEvent e)
    {
        if (State == SessionState.EndSent)
            return false;
        if (!_incoming.TryTake())
            throw SessionError(ErrorCondition.WindowViolation, "A transfer came beyond the incoming window (AMQP 2.5.6).");
        link = RemoteLink(transfer.Handle);
        if (link is not ReceiverLink receiver)
        {
            throw SessionError(
                ErrorCondition.UnattachedHandle, $"Transfer names handle {transfer.Handle}, which is no receiving link.");
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
        if (!_outgoing.Update(flow.NextIncomingId ?? InitialOutgoingId, flow.IncomingWindow))
            throw SessionError(ErrorCondition.WindowViolation, "next-incoming-id is ahead of what was sent.");
        if (SequenceNumber.Distance(flow.NextOutgoingId, _incoming.NextIncomingId) < 0)
            throw SessionError(ErrorCondition.WindowViolation, "next-outgoing-id goes back.");
        ResumePartialSends();
        if (flow.Handle is not { } handle)
        {
            if (flow.Echo)
                RequestEcho(null);
            return false;
        }
        link = RemoteLink(handle)
            ?? throw SessionError(ErrorCondition.UnattachedHandle, $"Flow names handle {handle}, which is not attached.");
        if (flow.Echo)
            RequestEcho(link);
        if (!link.OnFlow(flow))
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
            var count = OutgoingUnsettled.Clip(disposition.First, last, out var start);
            cursor = new DispositionCursor(this, start, count, disposition.State, disposition.Settled);
            return count > 0;
        }
        if (disposition.Settled)
            SettledBySender(disposition.First, last);
        return false;
    }

    /// <summary>Tells the peer the state of deliveries that it sent; only those of <paramref name="link"/> are meant.</summary>
    internal void Settle(ReceiverLink link, uint first, uint last, DeliveryState state)
    {
        var count = IncomingUnsettled.Clip(first, last, out var id);
        uint runStart = 0, runEnd = 0;
        var inRun = false;
        for (; count > 0; count--, id = unchecked(id + 1))
        {
            ref var entry = ref IncomingUnsettled.Find(id);
            if (Unsafe.IsNullRef(ref entry) || entry.Link is null)
                continue;
            if (entry.Link != link)
            {
                if (inRun)
                    WriteDisposition(Role.Receiver, runStart, runEnd, link.SettlesFirst, state);
                inRun = false;
                continue;
            }
            if (!inRun)
                (runStart, inRun) = (id, true);
            runEnd = id;
            link.Settled(entry.TagKey);
            if (link.SettlesFirst)
                IncomingUnsettled.Remove(ref entry);
        }
        if (inRun)
            WriteDisposition(Role.Receiver, runStart, runEnd, link.SettlesFirst, state);
    }

    /// <summary>Settles a delivery that this side sent, as rcv-settle-mode second wants it (AMQP 2.6.12).</summary>
    internal void SettleSent(uint id, DeliveryState? state)
    {
        ref var entry = ref OutgoingUnsettled.Find(id);
        if (Unsafe.IsNullRef(ref entry) || entry.Link is null)
            return;
        OutgoingUnsettled.Remove(ref entry);
        if (State == SessionState.Mapped)
            WriteDisposition(Role.Sender, id, id, settled: true, state);
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
        foreach (var link in _linksByHandle)
        {
            if (link is { EchoPending: true, IsAttached: true })
                WriteFlow(link, echo: false);
            if (link is not null)
                link.EchoPending = false;
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
    }

    private void SettledBySender(uint first, uint last)
    {
        var count = IncomingUnsettled.Clip(first, last, out var id);
        for (; count > 0; count--, id = unchecked(id + 1))
        {
            ref var entry = ref IncomingUnsettled.Find(id);
            if (!Unsafe.IsNullRef(ref entry) && entry.Link is ReceiverLink { SettlesFirst: false })
                IncomingUnsettled.Remove(ref entry);
        }
    }

    private void ResumePartialSends()
    {
        if (PartialSends == 0)
            return;
        foreach (var link in _linksByHandle)
        {
            if (link is SenderLink sender)
                sender.ResumePartial();
        }
    }

    private void WriteDisposition(Role role, uint first, uint last, bool settled, DeliveryState? state)
    {
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
