using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Benchmarks;

/// <summary>The performatives that are measured.</summary>
internal static class Samples
{
    internal delegate void Write(ref AmqpWriter writer);

    internal static readonly Transfer Transfer = new()
    {
        Handle = 3,
        DeliveryId = 70_000,
        DeliveryTag = new byte[] { 1, 2, 3, 4 },
        MessageFormat = 0,
        Settled = false,
    };

    internal static readonly Flow Flow = new()
    {
        NextIncomingId = 70_000,
        IncomingWindow = 2_048,
        NextOutgoingId = 3,
        OutgoingWindow = 2_048,
        Handle = 3,
        DeliveryCount = 70_000,
        LinkCredit = 1_000,
    };

    internal static readonly Disposition Disposition = new()
    {
        Role = Role.Receiver,
        First = 70_000,
        Last = 70_100,
        Settled = true,
        State = Accepted.Instance,
    };

    internal static readonly Attach Attach = new()
    {
        Name = "device-0001-telemetry",
        Handle = 0,
        Role = Role.Sender,
        Source = new Source { Address = AmqpValue.From("device-0001"), Outcomes = ["amqp:accepted:list"] },
        Target = new Target { Address = AmqpValue.From("/devices/device-0001/messages/events") },
        InitialDeliveryCount = 0,
        MaxMessageSize = 262_144,
        Properties = new AmqpMapBuilder().Add("com.microsoft:client-version", "1.0").Build(),
    };

    internal static byte[] Encode(Write write)
    {
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        write(ref writer);
        return buffer.WrittenSpan.ToArray();
    }
}
