using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Performatives;

/// <summary>
/// The state of a delivery at one end of a link (AMQP 3.4): <see cref="Received"/>, or one of the outcomes
/// <see cref="Accepted"/>, <see cref="Rejected"/>, <see cref="Released"/> and <see cref="Modified"/>.
/// </summary>
public abstract record DeliveryState
{
    private protected DeliveryState()
    {
    }

    /// <summary>Writes the state, descriptor included.</summary>
    public abstract void Write(ref AmqpWriter writer);

    /// <summary>Reads a state, descriptor included.</summary>
    /// <exception cref="AmqpException">None of the states above: a decode error.</exception>
    public static DeliveryState Read(ref AmqpReader reader) => reader.ReadDescriptor() switch
    {
        Accepted.Descriptor => Accepted.Read(ref reader),
        Released.Descriptor => Released.Read(ref reader),
        Rejected.Descriptor => Rejected.Read(ref reader),
        Modified.Descriptor => Modified.Read(ref reader),
        Received.Descriptor => Received.Read(ref reader),
        var other => throw AmqpException.Decode($"0x{other:x} is not a delivery state"),
    };

    /// <summary>Reads a state or a null.</summary>
    public static DeliveryState? ReadOrNull(ref AmqpReader reader) => reader.TryReadNull() ? null : Read(ref reader);

    /// <summary>Writes a state or a null.</summary>
    public static void WriteOrNull(ref AmqpWriter writer, DeliveryState? state)
    {
        if (state is null)
            writer.WriteNull();
        else
            state.Write(ref writer);
    }
}
