namespace Hubbub.Amqp.Codec;

/// <summary>Encodes single values into memory of their own, for the places that are not hot.</summary>
internal static class AmqpValueEncoder
{
    /// <summary>Writes one value.</summary>
    internal delegate void Write<in T>(ref AmqpWriter writer, T value);

    /// <summary>The value that <paramref name="write"/> writes.</summary>
    internal static AmqpValue Encode<T>(T value, Write<T> write)
    {
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        write(ref writer, value);
        return new AmqpValue(buffer.WrittenSpan.ToArray());
    }
}
