using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

// Bytes in, events out: headers, frames, and the one place where a violation of the protocol is caught.
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
        if (TakeDeferred(ref e))
            return true;
        AmqpSession? session = null;
        AmqpLink? link = null;
        try
        {
            if (!input.IsEmpty)
                _lastReceivedMs = NowMs;
            while (true)
            {
                if (State == ConnectionState.Ended)
                {
                    consumed = input.Length;
                    return false;
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
                var frameSizeMax = State == ConnectionState.Sasl
                    ? _limits.SaslFrameSizeBytesMax
                    : _limits.FrameSizeBytesMax;
                var size = FrameReader.Read(input[consumed..], frameSizeMax, out var frame);
                if (size == 0)
                    return false;
                consumed += size;
                if (OnFrame(frame, ref session, ref link, ref e) || TakeDeferred(ref e))
                    return true;
            }
        }
        catch (AmqpException violation)
        {
            OnViolation(violation, session, link);
            return TakeDeferred(ref e);
        }
    }

    /// <summary>How many bytes must be contiguous for <see cref="TryReceive"/> to go on.</summary>
    /// <param name="head">The next bytes, as far as they are there.</param>
    public int BytesNeeded(ReadOnlySpan<byte> head) =>
        State is ConnectionState.Header or ConnectionState.HeaderAfterSasl
            ? ProtocolHeader.Size
            : FrameReader.BytesNeeded(head, State == ConnectionState.Sasl
                ? _limits.SaslFrameSizeBytesMax
                : _limits.FrameSizeBytesMax);

    private bool TakeDeferred(ref AmqpEvent e) =>
        _disposition.TryNext(ref e) || (_deferred is not null && _deferred.TryDequeue(out e));

    private void OnHeader(ReadOnlySpan<byte> header)
    {
        if (_options.Role == ConnectionRole.Client)
        {
            OnHeaderFromServer(header);
            return;
        }
        if (header.SequenceEqual(ProtocolHeader.Sasl) && State == ConnectionState.Header)
        {
            Write(ProtocolHeader.Sasl);
            _sasl = new SaslNegotiation(_options, Output);
            _sasl.OfferMechanisms();
            State = ConnectionState.Sasl;
            return;
        }
        if (header.SequenceEqual(ProtocolHeader.Amqp)
            && (State == ConnectionState.HeaderAfterSasl || !_options.SaslRequired))
        {
            Write(ProtocolHeader.Amqp);
            State = ConnectionState.Opening;
            return;
        }
        // AMQP 2.2: an unacceptable header is answered with one that is supported, then the connection is closed.
        Write(State == ConnectionState.HeaderAfterSasl ? ProtocolHeader.Amqp : ProtocolHeader.Sasl);
        State = ConnectionState.Ended;
        ReportClosed(new AmqpError
        {
            Condition = ErrorCondition.FramingError,
            Description = $"The peer sent the protocol header {Convert.ToHexString(header)}, which is not supported.",
        });
    }

    private void OnHeaderFromServer(ReadOnlySpan<byte> header)
    {
        var expected = _sasl is not null && State == ConnectionState.Header ? ProtocolHeader.Sasl : ProtocolHeader.Amqp;
        if (!header.SequenceEqual(expected))
        {
            State = ConnectionState.Ended;
            ReportClosed(new AmqpError
            {
                Condition = ErrorCondition.FramingError,
                Description = $"The server answered with the protocol header {Convert.ToHexString(header)}.",
            });
            return;
        }
        State = _sasl is not null ? ConnectionState.Sasl : ConnectionState.Opening;
    }

    private bool OnFrame(in Frame frame, ref AmqpSession? session, ref AmqpLink? link, ref AmqpEvent e)
    {
        if (State == ConnectionState.Sasl)
            return OnSaslFrame(frame, ref e);
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
            return OnFrameOutsideOpen(descriptor, frame, ref reader);
        // AMQP 2.7.1: a channel above channel-max is a framing error.
        if (frame.Channel > _limits.ChannelMax)
            throw Violation(ErrorCondition.FramingError, $"Channel {frame.Channel} is above {_limits.ChannelMax}.");
        session = frame.Channel < _sessionsByRemoteChannel.Length ? _sessionsByRemoteChannel[frame.Channel] : null;
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
                throw Violation(ErrorCondition.NotImplemented, $"Performative 0x{descriptor:x} is unknown.");
        }
    }

    private bool OnFrameOutsideOpen(ulong descriptor, in Frame frame, ref AmqpReader reader)
    {
        switch (descriptor)
        {
            case Open.Descriptor when State == ConnectionState.Opening:
                if (frame.Channel != 0)
                    throw Violation(ErrorCondition.FramingError, $"An open came on channel {frame.Channel}.");
                reader = Owned(frame.Body);
                OnOpen(Open.Read(ref reader));
                return false;
            case Performatives.Close.Descriptor when State == ConnectionState.CloseSent:
                State = ConnectionState.Ended;
                ReportClosed(null);
                return false;
            default:
                if (State == ConnectionState.CloseSent)
                    return false;
                throw Violation(ErrorCondition.IllegalState, "The first frame was not an open.");
        }
    }

    private bool OnSaslFrame(in Frame frame, ref AmqpEvent e)
    {
        var (init, outcome) = _sasl!.OnFrame(frame);
        if (init is not null)
        {
            e.Kind = AmqpEventKind.SaslInit;
            e.SaslInit = init;
            return true;
        }
        if (outcome is null)
            return false;
        _sasl = null;
        if (outcome != SaslCode.Ok)
        {
            State = ConnectionState.Ended;
            ReportClosed(new AmqpError
            {
                Condition = ErrorCondition.UnauthorizedAccess,
                Description = $"The server refused the SASL credentials (outcome {outcome}).",
            });
            return false;
        }
        Write(ProtocolHeader.Amqp);
        WriteOpen();
        State = ConnectionState.HeaderAfterSasl;
        return false;
    }

    private void OnOpen(Open open)
    {
        if (open.MaxFrameSize < 512)
            throw Violation(ErrorCondition.FramingError, $"max-frame-size {open.MaxFrameSize} is below 512 (AMQP 2.7.1).");
        if (open.ContainerId.Length > _limits.ContainerIdCharsMax)
        {
            throw Violation(
                ErrorCondition.InvalidField, $"container-id has more than {_limits.ContainerIdCharsMax} characters.");
        }
        TakeRemoteIdleTimeout(open.IdleTimeOut);
        RemoteOpen = open;
        RemoteFrameSizeBytesMax = open.MaxFrameSize;
        State = ConnectionState.Open;
        Defer(new AmqpEvent { Kind = AmqpEventKind.Opened });
    }

    private bool OnBegin(ushort channel, AmqpSession? mapped, Begin begin, ref AmqpEvent e)
    {
        if (mapped is not null)
            throw Violation(ErrorCondition.IllegalState, $"Channel {channel} has a session already.");
        AmqpSession session;
        if (begin.RemoteChannel is { } local)
        {
            var answered = local < _sessionsByLocalChannel.Length ? _sessionsByLocalChannel[local] : null;
            if (answered is not { RemoteChannel: null })
                throw Violation(ErrorCondition.IllegalState, $"Begin answers channel {local}, which awaits none.");
            session = answered;
        }
        else
        {
            if (_options.Role == ConnectionRole.Client)
                throw Violation(ErrorCondition.NotAllowed, "The server began a session.");
            if (channel < _sessionsByLocalChannel.Length && _sessionsByLocalChannel[channel] is not null)
                throw Violation(ErrorCondition.IllegalState, $"Channel {channel} is still ending.");
            session = new AmqpSession(this, channel);
            Store(ref _sessionsByLocalChannel, channel, session);
        }
        Store(ref _sessionsByRemoteChannel, channel, session);
        session.OnBegin(channel, begin);
        e.Kind = AmqpEventKind.SessionBegan;
        e.Session = session;
        return true;
    }

    private static void OnFrameWithoutSession(ulong descriptor, ushort channel)
    {
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
        ReportClosed(close.Error, byPeer: true);
    }

    private void OnViolation(AmqpException violation, AmqpSession? session, AmqpLink? link)
    {
        var error = new AmqpError { Condition = violation.Condition, Description = violation.Message };
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

    private static AmqpException Violation(string condition, string message) =>
        new(ErrorScope.Connection, condition, message);
}
