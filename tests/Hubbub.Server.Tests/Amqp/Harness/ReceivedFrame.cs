using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>One frame from the hub, decoded; the performative is null for a heartbeat.</summary>
internal sealed record ReceivedFrame(ushort Channel, object? Performative, byte[] Payload)
{
    public static ReceivedFrame Decode(in Frame frame)
    {
        if (frame.Body.IsEmpty)
            return new ReceivedFrame(frame.Channel, null, []);
        var reader = new AmqpReader(frame.Body.ToArray());
        object performative = reader.ReadDescriptor() switch
        {
            Open.Descriptor => Open.Read(ref reader),
            Begin.Descriptor => Begin.Read(ref reader),
            Attach.Descriptor => Attach.Read(ref reader),
            Flow.Descriptor => Flow.Read(ref reader),
            Transfer.Descriptor => Transfer.Read(ref reader),
            Disposition.Descriptor => Disposition.Read(ref reader),
            Detach.Descriptor => Detach.Read(ref reader),
            End.Descriptor => End.Read(ref reader),
            Close.Descriptor => Close.Read(ref reader),
            SaslMechanisms.Descriptor => SaslMechanisms.Read(ref reader),
            SaslOutcome.Descriptor => SaslOutcome.Read(ref reader),
            var other => throw new InvalidOperationException($"The hub sent performative 0x{other:x}."),
        };
        return new ReceivedFrame(frame.Channel, performative, frame.Body[reader.Position..].ToArray());
    }
}
