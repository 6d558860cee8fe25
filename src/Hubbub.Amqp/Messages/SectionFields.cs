using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Messages;

/// <summary>
/// Checks the types inside the sections that have fields, so that reading them later cannot fail. The values
/// themselves were checked by the reader before.
/// </summary>
internal static class SectionFields
{
    /// <summary>The types of a header's fields, in order (AMQP 3.2.1).</summary>
    internal static readonly AmqpKind[] Header =
        [AmqpKind.Boolean, AmqpKind.UByte, AmqpKind.UInt, AmqpKind.Boolean, AmqpKind.UInt];

    /// <summary>
    /// The types of the properties' fields, in order (AMQP 3.2.4); <see cref="AmqpKind.Described"/> stands for a
    /// message-id, which has four types.
    /// </summary>
    internal static readonly AmqpKind[] Properties =
    [
        AmqpKind.Described, AmqpKind.Binary, AmqpKind.String, AmqpKind.String, AmqpKind.String, AmqpKind.Described,
        AmqpKind.Symbol, AmqpKind.Symbol, AmqpKind.Timestamp, AmqpKind.Timestamp, AmqpKind.String, AmqpKind.UInt,
        AmqpKind.String,
    ];

    internal static void CheckHeader(ref AmqpReader reader) => Check(ref reader, Header, "header");

    internal static void CheckProperties(ref AmqpReader reader) => Check(ref reader, Properties, "properties");

    /// <summary>AMQP 3.2.5: keys are strings, values are of simple types. The text says which is not so.</summary>
    internal static string? CheckApplicationProperties(ref AmqpReader reader)
    {
        var count = reader.ReadMapHeader(out _);
        for (var i = 0; i < count; i += 2)
        {
            if (AmqpKinds.Of(reader.PeekFormatCode()) != AmqpKind.String)
                return "a key of the application-properties is not a string";
            reader.SkipSimple();
            if (!AmqpKinds.IsSimple(AmqpKinds.Of(reader.PeekFormatCode())))
                return "a value of the application-properties is not of a simple type";
            reader.SkipSimple();
        }
        return null;
    }

    private static void Check(ref AmqpReader reader, ReadOnlySpan<AmqpKind> kinds, string type)
    {
        var count = reader.ReadListHeader(kinds.Length, type, out _);
        for (var i = 0; i < count; i++)
        {
            var kind = AmqpKinds.Of(reader.PeekFormatCode());
            var isRight = kind == AmqpKind.Null || kind == kinds[i] && kind != AmqpKind.Described
                || kinds[i] == AmqpKind.Described
                && kind is AmqpKind.ULong or AmqpKind.Uuid or AmqpKind.Binary or AmqpKind.String;
            if (!isRight)
                throw AmqpException.Decode($"{type}: field {i} is of the wrong type");
            reader.SkipSimple();
        }
    }
}
