using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// The SASL exchange of AMQP 5.3, both sides, for mechanisms of one step (PLAIN, ANONYMOUS, EXTERNAL, MSSBCBS). The
/// peer is not known yet: whatever is out of turn ends the connection without an answer.
/// </summary>
internal sealed class SaslNegotiation(AmqpConnection connection, AmqpConnectionOptions options)
{
    private static readonly ReadOnlyMemory<byte>? Welcome = "Welcome!"u8.ToArray();
    private int _frames;
    private int _bytes;
    private bool _initReceived;

    /// <summary>True while the owner has to say whether the client's init is good.</summary>
    public bool AwaitsOutcome { get; private set; }

    /// <summary>Server: offers the mechanisms.</summary>
    public void OfferMechanisms() => Write(new SaslMechanisms { SaslServerMechanisms = options.SaslMechanisms });

    /// <summary>Server: ends the exchange.</summary>
    public void Complete(SaslCode code)
    {
        AwaitsOutcome = false;
        Write(new SaslOutcome { Code = code, AdditionalData = code == SaslCode.Ok ? Welcome : null });
    }

    /// <summary>Takes one frame of the SASL layer.</summary>
    /// <returns>
    /// The client's init (server), or the server's verdict (client); both null when there is neither.
    /// </returns>
    public (SaslInit? Init, SaslCode? Outcome) OnFrame(in Frame frame)
    {
        if (frame.Type != FrameType.Sasl)
            throw Broken("An AMQP frame came before the end of SASL.");
        if (++_frames > options.Limits.SaslFramesMax)
            throw Broken("Too many SASL frames.");
        if ((_bytes += frame.Body.Length) > options.Limits.SaslBytesMax)
            throw Broken("Too many bytes of SASL.");
        if (frame.Body.IsEmpty)
            throw Broken("An empty SASL frame came.");
        // The owner may check credentials for a while, so they must not slice the input.
        var reader = new AmqpReader(frame.Body.ToArray());
        var descriptor = reader.ReadDescriptor();
        return options.Role == ConnectionRole.Server
            ? (OnClientFrame(descriptor, ref reader), null)
            : (null, OnServerFrame(descriptor, ref reader));
    }

    private SaslInit OnClientFrame(ulong descriptor, ref AmqpReader reader)
    {
        if (descriptor != SaslInit.Descriptor || _initReceived)
            throw Broken($"SASL performative 0x{descriptor:x} is out of turn.");
        var init = SaslInit.Read(ref reader);
        _initReceived = AwaitsOutcome = true;
        return init;
    }

    private SaslCode? OnServerFrame(ulong descriptor, ref AmqpReader reader)
    {
        switch (descriptor)
        {
            case SaslMechanisms.Descriptor when !_initReceived:
                var offered = SaslMechanisms.Read(ref reader).SaslServerMechanisms;
                var wanted = options.SaslInit!;
                if (Array.IndexOf(offered, wanted.Mechanism) < 0)
                {
                    throw Broken(
                        $"The peer does not offer SASL {wanted.Mechanism}; it offers {string.Join(", ", offered)}.");
                }
                _initReceived = true;
                Write(wanted);
                return null;
            case SaslOutcome.Descriptor when _initReceived:
                return SaslOutcome.Read(ref reader).Code;
            default:
                throw Broken($"SASL performative 0x{descriptor:x} is out of turn.");
        }
    }

    private void Write(SaslMechanisms value)
    {
        var writer = Begin(out var start);
        value.Write(ref writer);
        FrameWriter.End(writer.Buffer, start);
    }

    private void Write(SaslInit value)
    {
        var writer = Begin(out var start);
        value.Write(ref writer);
        FrameWriter.End(writer.Buffer, start);
    }

    private void Write(SaslOutcome value)
    {
        var writer = Begin(out var start);
        value.Write(ref writer);
        FrameWriter.End(writer.Buffer, start);
    }

    // The driver swaps the connection's buffer between two frames, so it is asked for each time.
    private AmqpWriter Begin(out int start)
    {
        start = FrameWriter.Begin(connection.Output, FrameType.Sasl, 0);
        return new AmqpWriter(connection.Output);
    }

    private static AmqpException Broken(string message) =>
        new(ErrorScope.Connection, ErrorCondition.IllegalState, message);
}
