using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Messages;

/// <summary>
/// Checks the types inside the sections that have fields, so that reading them later cannot fail.
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

    /// <summary>
    /// AMQP 3.2.5: keys are strings, values are of simple types. The text says which is not so. The map itself was
    /// checked before, so a look at the constructors is enough: from list8 on, they are those of compound types.
    /// </summary>
    internal static string? CheckApplicationProperties(ref AmqpReader reader, bool mayBeDescribed)
    {
        var count = reader.ReadMapHeader(out _);
        for (var i = 0; i < count; i += 2)
        {
            if (reader.PeekFormatCode() is not (FormatCode.String8 or FormatCode.String32))
                return "a key of the application-properties is not a string";
            reader.SkipSimple();
            if (mayBeDescribed && reader.PeekFormatCode() == FormatCode.Described)
            {
                reader.SkipValue();
                continue;
            }
            if (reader.PeekFormatCode() is FormatCode.Described or FormatCode.List0 or >= FormatCode.List8)
                return "a value of the application-properties is not of a simple type";
            reader.SkipSimple();
        }
        return null;
    }

    /// <summary>Reads the list, checking all of it.</summary>
    private static void Check(ref AmqpReader reader, AmqpKind[] kinds, string type)
    {
        var count = reader.ReadListHeader(kinds.Length, type, out var end);
        for (var i = 0; i < count; i++)
        {
            if (reader.TryReadNull())
                continue;
            if (!IsOf(kinds[i], AmqpKinds.Of(reader.PeekFormatCode())))
                throw AmqpException.Decode($"{type}: field {i} is of the wrong type");
            reader.SkipValue();
        }
        reader.ReadEnd(end);
    }

    private static bool IsOf(AmqpKind expected, AmqpKind kind) => expected == AmqpKind.Described
        ? kind is AmqpKind.ULong or AmqpKind.Uuid or AmqpKind.Binary or AmqpKind.String
        : kind == expected;
}
