using System.Globalization;
using System.Text;

namespace AmqpGen;

/// <summary>Writes the C# of restricted types: enums with their reads and writes, and constants for symbols.</summary>
internal static class ChoiceEmitter
{
    /// <summary>An enum over a boolean or an unsigned integer.</summary>
    public static void EmitEnum(SpecType type, StringBuilder output)
    {
        var name = Names.Type(type.Name);
        output.Append(CultureInfo.InvariantCulture, $"/// <summary>The {type.Name} type of AMQP, a {type.Source} on the wire.</summary>\n");
        output.Append(CultureInfo.InvariantCulture, $"public enum {name}\n{{\n");
        foreach (var choice in type.Choices)
        {
            var value = choice.Value switch { "false" => "0", "true" => "1", var number => number };
            output.Append(CultureInfo.InvariantCulture, $"    /// <summary>{choice.Name}: {choice.Value}.</summary>\n");
            output.Append(CultureInfo.InvariantCulture, $"    {Names.Type(choice.Name)} = {value},\n");
        }
        output.Append("}\n\n");
        EmitCodec(type, name, output);
    }

    /// <summary>Constants for all choices of the symbol types given.</summary>
    public static void EmitConstants(string name, string summary, IEnumerable<(string Name, string Value)> constants, StringBuilder output)
    {
        output.Append(CultureInfo.InvariantCulture, $"/// <summary>{summary}</summary>\npublic static class {name}\n{{\n");
        var first = true;
        foreach (var (constant, value) in constants)
        {
            output.Append(first ? "" : "\n");
            output.Append(CultureInfo.InvariantCulture, $"    /// <summary><c>{value}</c></summary>\n");
            output.Append(CultureInfo.InvariantCulture, $"    public const string {constant} = \"{value}\";\n");
            first = false;
        }
        output.Append("}\n\n");
    }

    private static void EmitCodec(SpecType type, string name, StringBuilder output)
    {
        var (suffix, last) = type.Source switch
        {
            "boolean" => ("Boolean", 1),
            "ubyte" => ("UByte", type.Choices.Count - 1),
            "uint" => ("UInt", type.Choices.Count - 1),
            _ => throw new InvalidDataException($"No mapping for choices of {type.Source}"),
        };
        var read = suffix == "Boolean"
            ? $"reader.ReadBoolean() ? {name}.{Names.Type(type.Choices.Single(c => c.Value == "true").Name)} : {name}.{Names.Type(type.Choices.Single(c => c.Value == "false").Name)};"
            : $"reader.Read{suffix}() is <= {last} and var value\n"
              + $"        ? ({name})value\n"
              + $"        : throw AmqpException.Decode(\"{type.Name} has no such value\");";
        var write = suffix switch
        {
            "Boolean" => $"value != {name}.{Names.Type(type.Choices.Single(c => c.Value == "false").Name)}",
            "UByte" => "(byte)value",
            _ => "(uint)value",
        };
        output.Append(CultureInfo.InvariantCulture, $$"""
            /// <summary>Reads and writes <see cref="{{name}}"/>.</summary>
            internal static class {{name}}Codec
            {
                internal static {{name}} Read{{name}}(this ref AmqpReader reader) =>
                    {{read}}

                internal static {{name}}? Read{{name}}OrNull(this ref AmqpReader reader) =>
                    reader.TryReadNull() ? null : reader.Read{{name}}();

                internal static void Write{{name}}(this ref AmqpWriter writer, {{name}} value) => writer.Write{{suffix}}({{write}});

                internal static void Write{{name}}OrNull(this ref AmqpWriter writer, {{name}}? value)
                {
                    if (value is { } present)
                        writer.Write{{name}}(present);
                    else
                        writer.WriteNull();
                }
            }


            """);
    }
}
