using System.Xml.Linq;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Spec;

/// <summary>One encoded value for each type of field, different from the field's default.</summary>
internal static class Samples
{
    /// <summary>A value of the field's type.</summary>
    internal static byte[] Encoded(XElement field)
    {
        if (SpecFiles.Text(field, "multiple") == "true")
            return Wire.Write(static (ref w) => w.WriteSymbols(["a", "bc"]));
        var type = SpecFiles.Primitive(SpecFiles.Text(field, "type")!);
        return type == "*" ? Any(SpecFiles.Text(field, "requires")!) : type switch
        {
            "error" => Wire.Write(static (ref w) => new AmqpError { Condition = "amqp:not-found" }.Write(ref w)),
            "boolean" => [FormatCode.True],
            "ubyte" => [FormatCode.UByte, 1],
            "ushort" => [FormatCode.UShort, 1, 2],
            "uint" => [FormatCode.SmallUInt, 1],
            "ulong" => [FormatCode.SmallULong, 77],
            "timestamp" => [FormatCode.Timestamp, 1, 2, 3, 4, 5, 6, 7, 8],
            "binary" => [FormatCode.Binary8, 2, 0, 255],
            "string" => [FormatCode.String8, 2, 0xC3, 0xA4],
            "symbol" => [FormatCode.Symbol8, 1, (byte)'s'],
            "map" => [FormatCode.Map8, 6, 2, FormatCode.Symbol8, 1, (byte)'k', FormatCode.SmallInt, 5],
            _ => throw new InvalidOperationException($"No sample of {type}"),
        };
    }

    /// <summary>What is written for the field when it was null: its default, or a null.</summary>
    internal static byte[] Default(XElement field) => SpecFiles.Text(field, "default") switch
    {
        null => [FormatCode.Null],
        "false" => [FormatCode.False],
        "0" or "none" => [FormatCode.UInt0],
        "first" => [FormatCode.UByte, 0],
        "mixed" => [FormatCode.UByte, 2],
        "65535" => [FormatCode.UShort, 255, 255],
        "4294967295" => [FormatCode.UInt, 255, 255, 255, 255],
        "session-end" => Wire.Write(static (ref w) => w.WriteSymbol("session-end")),
        var other => throw new InvalidOperationException($"No encoding of default {other}"),
    };

    /// <summary>A list of encoded elements, put together by hand.</summary>
    internal static byte[] List(List<byte[]> elements)
    {
        var content = elements.SelectMany(element => element).ToArray();
        return content.Length + 1 <= 255
            ? [FormatCode.List8, (byte)(content.Length + 1), (byte)elements.Count, .. content]
            : throw new InvalidOperationException("The samples are too large for a list8");
    }

    private static byte[] Any(string requires) => requires switch
    {
        "source" => Wire.Write(static (ref w) => new Source { Timeout = 7 }.Write(ref w)),
        "target" => Wire.Write(static (ref w) => new Target { Timeout = 7 }.Write(ref w)),
        "delivery-state" or "outcome" => Wire.Write(static (ref w) => Released.Instance.Write(ref w)),
        "message-id" => [FormatCode.SmallULong, 9],
        "address" => [FormatCode.String32, 0, 0, 0, 1, (byte)'a'],
        _ => throw new InvalidOperationException($"No sample of {requires}"),
    };
}
