using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Performatives;

/// <summary>
/// One end of a link (AMQP 3.5): <see cref="Source"/> or <see cref="Target"/>. <see cref="Coordinator"/> and
/// <see cref="UnknownTerminus"/> are read so that the link can be refused and the session can go on.
/// </summary>
public abstract record Terminus
{
    private protected Terminus()
    {
    }

    /// <summary>Writes the terminus, descriptor included.</summary>
    public abstract void Write(ref AmqpWriter writer);

    /// <summary>Reads a terminus, descriptor included.</summary>
    /// <exception cref="AmqpException">Not a described value, or its fields are not those of its type.</exception>
    public static Terminus Read(ref AmqpReader reader)
    {
        var descriptor = reader.ReadDescriptor();
        switch (descriptor)
        {
            case Source.Descriptor:
                return Source.Read(ref reader);
            case Target.Descriptor:
                return Target.Read(ref reader);
            case Coordinator.Descriptor:
                return Coordinator.Read(ref reader);
            default:
                reader.SkipValue();
                return new UnknownTerminus(descriptor);
        }
    }

    /// <summary>Reads a terminus or a null.</summary>
    public static Terminus? ReadOrNull(ref AmqpReader reader) => reader.TryReadNull() ? null : Read(ref reader);

    /// <summary>Writes a terminus or a null.</summary>
    public static void WriteOrNull(ref AmqpWriter writer, Terminus? terminus)
    {
        if (terminus is null)
            writer.WriteNull();
        else
            terminus.Write(ref writer);
    }
}

/// <summary>
/// A terminus of a type that is not known. It cannot be sent: refusing the link sends a null instead.
/// </summary>
/// <param name="Descriptor">The number, or <see cref="AmqpReader.UnknownDescriptor"/> for a symbol.</param>
public sealed record UnknownTerminus(ulong Descriptor) : Terminus
{
    /// <summary>Writes a null, which says that this terminus does not exist here (AMQP 2.6.3).</summary>
    public override void Write(ref AmqpWriter writer) => writer.WriteNull();
}
