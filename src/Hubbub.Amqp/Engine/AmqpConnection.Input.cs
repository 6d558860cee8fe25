using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

// Bytes in, events out: frames to their sessions, and the one place where a violation of the protocol is caught.
public sealed partial class AmqpConnection
{
    /// <summary>
    /// Consumes input up to and including the next event.
    /// </summary>
    /// <param name="input">Contiguous bytes, starting where the last call stopped consuming.</param>
    /// <param name="consumed">Bytes used up, also when there is no event.</param>
    /// <param name="e">The event; what it refers to is valid until the next call.</param>
    /// <returns>False when the rest of the input holds no whole frame, or when the owner has to act first.</returns>
    public bool TryReceive(ReadOnlyMemory<byte> input, out int consumed, out AmqpEvent e)
    {
        consumed = 0;
        e = default;
        if (_delivered is not null)
            ReturnDelivered();
        if (TakeDeferred(ref e))
            return true;
        AmqpSession? session = null;
        AmqpLink? link = null;
        var inFrame = false;
        try
        {
            while (true)
            {
                if (State == ConnectionState.Ended || _deaf)
                {
                    consumed = input.Length;
                    return TakeDeferred(ref e);
                }
                if (AwaitsOwner)
                    return false;
                if (State is ConnectionState.Header or ConnectionState.HeaderAfterSasl)
                {
                    if (input.Length - consumed < ProtocolHeader.Size)
                        return false;
                    var header = input.Span.Slice(consumed, ProtocolHeader.Size);
                    consumed += ProtocolHeader.Size;
                    OnHeader(header);
                    continue;
                }
                inFrame = false;
                var size = FrameReader.Read(input[consumed..], FrameSizeMax, out var frame);
                if (size == 0)
                    return false;
                inFrame = true;
                consumed += size;
                _lastReceivedMs = NowMs;
                if (OnFrame(frame, ref session, ref link, ref e) || TakeDeferred(ref e))
                    return true;
                (session, link) = (null, null);
            }
        }
        catch (AmqpException violation)
        {
            // Where the next frame would start is unknown from here on: all that still comes is dropped unread.
            if (!inFrame)
                (_deaf, consumed) = (true, input.Length);
            e = default;
            OnViolation(violation, session, link);
            return TakeDeferred(ref e);
        }
    }

    private uint FrameSizeMax =>
        State == ConnectionState.Sasl ? _limits.SaslFrameSizeBytesMax : _limits.FrameSizeBytesMax;

    private void ReturnDelivered()
    {
        ReturnBuffer(_delivered!);
        _delivered = null;
    }

    /// <summary>How many bytes must be contiguous for <see cref="TryReceive"/> to go on.</summary>
    /// <param name="head">The next bytes, as far as they are there.</param>
    public int BytesNeeded(ReadOnlySpan<byte> head) =>
        State is ConnectionState.Header or ConnectionState.HeaderAfterSasl
            ? ProtocolHeader.Size
            : FrameReader.BytesNeeded(head, FrameSizeMax);

    private bool TakeDeferred(ref AmqpEvent e) =>
        _disposition.TryNext(ref e) || (_deferred is not null && _deferred.TryDequeue(out e));

    private bool OnFrame(in Frame frame, ref AmqpSession? session, ref AmqpLink? link, ref AmqpEvent e)
    {
        if (State == ConnectionState.Sasl)
            return OnSaslFrame(frame, ref e);
        if (State == ConnectionState.CloseSent)
        {
            OnFrameAfterClose(frame);
            return false;
        }
        if (frame.Type != FrameType.Amqp)
            throw Violation(ErrorCondition.FramingError, "A SASL frame came after the SASL layer.");
        if (frame.Body.IsEmpty)
        {
            OnEmptyFrame();
            return false;
        }
        var reader = new AmqpReader(frame.Body);
        var descriptor = reader.ReadDescriptor();
        if (State != ConnectionState.Open)
        {
            OnFirstFrame(descriptor, frame);
            return false;
        }
        // AMQP 2.7.1: a channel above channel-max is a framing error.
        if (frame.Channel > _limits.ChannelMax)
            throw Violation(ErrorCondition.FramingError, $"Channel {frame.Channel} is above {_limits.ChannelMax}.");
        session = _sessionsByRemoteChannel[frame.Channel];
        if (descriptor == Transfer.Descriptor && session is not null)
        {
            var transfer = Transfer.Read(ref reader);
            return session.OnTransfer(transfer, frame.Body[reader.Position..], ref link, ref e);
        }
        if (descriptor == Begin.Descriptor)
        {
            reader = Owned(frame.Body);
            return OnBegin(frame.Channel, session, Begin.Read(ref reader), ref e);
        }
        if (descriptor == Performatives.Close.Descriptor)
        {
            OnClose(Performatives.Close.Read(ref reader));
            return false;
        }
        if (descriptor == Open.Descriptor)
            throw Violation(ErrorCondition.IllegalState, "A second open came.");
        if (session is null)
        {
            OnFrameWithoutSession(descriptor, frame.Channel);
            return false;
        }
        if (descriptor == Attach.Descriptor)
        {
            reader = Owned(frame.Body);
            return session.OnAttach(Attach.Read(ref reader), ref link, ref e);
        }
        return OnSessionFrame(descriptor, session, ref reader, ref link, ref e);
    }

    // What stays with a connection, a session or a link must not slice the frame that brought it.
    private static AmqpReader Owned(ReadOnlyMemory<byte> body)
    {
        var reader = new AmqpReader(body.ToArray());
        reader.ReadDescriptor();
        return reader;
    }

    private bool OnSessionFrame(
        ulong descriptor, AmqpSession session, ref AmqpReader reader, ref AmqpLink? link, ref AmqpEvent e)
    {
        switch (descriptor)
        {
            case Disposition.Descriptor:
                var disposition = Disposition.Read(ref reader);
                return session.OnDisposition(disposition, out _disposition) && _disposition.TryNext(ref e);
            case Flow.Descriptor:
                return session.OnFlow(Flow.Read(ref reader), ref link, ref e);
            case Detach.Descriptor:
                return session.OnDetach(Detach.Read(ref reader), ref link, ref e);
            case End.Descriptor:
                session.OnEnd(End.Read(ref reader), ref e);
                return true;
            default:
                throw Unknown(descriptor);
        }
    }

    // AMQP 2.4.3: nothing counts any more but the peer's own close, so nothing else is even decoded.
    private void OnFrameAfterClose(in Frame frame)
    {
        if (frame.Type != FrameType.Amqp || frame.Body.IsEmpty)
            return;
        var reader = new AmqpReader(frame.Body);
        if (reader.ReadDescriptor() != Performatives.Close.Descriptor)
            return;
        State = ConnectionState.Ended;
        ReportClosed(null);
    }

    private bool OnBegin(ushort channel, AmqpSession? mapped, Begin begin, ref AmqpEvent e)
    {
        if (mapped is not null)
            throw Violation(ErrorCondition.IllegalState, $"Channel {channel} has a session already.");
        AmqpSession session;
        if (begin.RemoteChannel is { } local)
        {
            var answered = _sessionsByLocalChannel[local];
            if (answered is not { RemoteChannel: null })
                throw Violation(ErrorCondition.IllegalState, $"Begin answers channel {local}, which awaits none.");
            session = answered;
        }
        else
        {
            if (_options.Role == ConnectionRole.Client)
                throw Violation(ErrorCondition.NotAllowed, "The server began a session.");
            // The answer goes out on the same number: a client exists that takes no other.
            if (_sessionsByLocalChannel[channel] is not null)
                throw Violation(ErrorCondition.IllegalState, $"Channel {channel} is still ending.");
            session = NewSession(channel);
        }
        _sessionsByRemoteChannel.Add(channel, session);
        session.OnBegin(channel, begin);
        if (session.State != SessionState.Mapped)
            return false;
        e.Kind = AmqpEventKind.SessionBegan;
        e.Session = session;
        return true;
    }

    private static void OnFrameWithoutSession(ulong descriptor, ushort channel)
    {
        if (descriptor is < Open.Descriptor or > Performatives.Close.Descriptor)
            throw Unknown(descriptor);
        // Clients are known to send the last detaches behind their end; they and other late frames mean nothing.
        if (descriptor is Detach.Descriptor or Flow.Descriptor or Disposition.Descriptor or End.Descriptor)
            return;
        throw Violation(ErrorCondition.IllegalState, $"Channel {channel} has no session.");
    }

    private void OnClose(Close close)
    {
        if (!_openSent)
            WriteOpen();
        WriteClose(null);
        State = ConnectionState.Ended;
        ForgetSessions();
        ReportClosed(close.Error, byPeer: true);
    }

    private void OnViolation(AmqpException violation, AmqpSession? session, AmqpLink? link)
    {
        // Where an end or a close is out already there is nothing left to give up.
        if (State == ConnectionState.CloseSent)
            return;
        var error = new AmqpError { Condition = violation.Condition, Description = violation.Message };
        if (session is { State: not SessionState.Mapped } && violation.Scope != ErrorScope.Connection)
            return;
        switch (violation.Scope)
        {
            case ErrorScope.Link or ErrorScope.Delivery when link is { IsDetached: false }:
                link.Detach(error);
                link.ReportDetached(error, byPeer: false);
                break;
            case ErrorScope.Link or ErrorScope.Delivery or ErrorScope.Session when session is not null:
                session.End(error);
                session.ReportEnded(error, byPeer: false);
                break;
            default:
                Fail(violation);
                break;
        }
    }

    private void Fail(AmqpException violation)
    {
        var error = new AmqpError { Condition = violation.Condition, Description = violation.Message };
        Close(error);
        ReportClosed(error);
    }

    private void ReportClosed(AmqpError? error, bool byPeer = false)
    {
        if (_closeReported)
            return;
        _closeReported = true;
        Defer(new AmqpEvent { Kind = AmqpEventKind.Closed, Error = error, ByPeer = byPeer });
    }

    private static AmqpException Unknown(ulong descriptor) => Violation(
        ErrorCondition.NotImplemented,
        descriptor == AmqpReader.UnknownDescriptor
            ? "A frame's performative is unknown."
            : $"Performative 0x{descriptor:x} is unknown.");

    private static AmqpException Violation(string condition, string message) =>
        new(ErrorScope.Connection, condition, message);
}
