using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

// What comes before the first session: protocol headers, the SASL layer, open (AMQP 2.2, 2.4.1, 5.3).
public sealed partial class AmqpConnection
{
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
            _sasl = new SaslNegotiation(this, _options);
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
        if (State == ConnectionState.Header)
            Write(ProtocolHeader.Sasl);
        else if (header.StartsWith(ProtocolHeader.Amqp[..4]))
            Write(ProtocolHeader.Amqp);
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

    private bool OnSaslFrame(in Frame frame, ref AmqpEvent e)
    {
        var (init, outcome) = _sasl!.OnFrame(frame);
        if (init is not null)
        {
            if (Array.IndexOf(_options.SaslMechanisms, init.Mechanism) < 0)
            {
                CompleteSasl(SaslCode.Auth);
                ReportClosed(new AmqpError
                {
                    Condition = ErrorCondition.UnauthorizedAccess,
                    Description = "The client chose a SASL mechanism that was not offered.",
                });
                return false;
            }
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

    private void OnFirstFrame(ulong descriptor, in Frame frame)
    {
        if (descriptor != Open.Descriptor)
            throw Violation(ErrorCondition.IllegalState, "The first frame was not an open.");
        if (frame.Channel != 0)
            throw Violation(ErrorCondition.FramingError, $"An open came on channel {frame.Channel}.");
        var reader = Owned(frame.Body);
        OnOpen(Open.Read(ref reader));
    }

    private void OnOpen(Open open)
    {
        if (open.MaxFrameSize < 512)
        {
            throw Violation(
                ErrorCondition.FramingError, $"max-frame-size {open.MaxFrameSize} is below 512 (AMQP 2.7.1).");
        }
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
}
