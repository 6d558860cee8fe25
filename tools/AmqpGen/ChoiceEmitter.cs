namespace AmqpGen;

/// <summary>Writes the C# of restricted types: enums with their reads and writes, and constants for symbols.</summary>
internal static class ChoiceEmitter
{
    /// <summary>An enum over a boolean or an unsigned integer.</summary>
    public static void EmitEnum(SpecType type, SourceText output)
    {
        var name = Names.Type(type.Name);
        output.Line(0, $"/// <summary>The {type.Name} type of AMQP, a {type.Source} on the wire.</summary>");
        output.Line(0, $"public enum {name}");
        output.Line(0, "{");
        foreach (var choice in type.Choices)
        {
            if (choice != type.Choices[0])
                output.Line();
            output.Line(1, $"/// <summary>{choice.Name}: {choice.Value}.</summary>");
            output.Line(1, $"{Names.Type(choice.Name)} = {Number(choice)},");
        }
        output.Line(0, "}");
        output.Line();
        EmitCodec(type, name, output);
    }

    /// <summary>A class of text constants.</summary>
    public static void EmitConstants(
        string name, string summary, IEnumerable<(string Name, string Value)> constants, SourceText output)
    {
        output.Line(0, $"/// <summary>{summary}</summary>");
        output.Line(0, $"public static class {name}");
        output.Line(0, "{");
        var isFirst = true;
        foreach (var (constant, value) in constants)
        {
            if (!isFirst)
                output.Line();
            isFirst = false;
            output.Line(1, $"/// <summary><c>{value}</c></summary>");
            output.Line(1, $"public const string {constant} = \"{value}\";");
        }
        output.Line(0, "}");
        output.Line();
    }

    private static void EmitCodec(SpecType type, string name, SourceText output)
    {
        var (suffix, cast) = type.Source switch
        {
            "boolean" => ("Boolean", "value != 0"),
            "ubyte" => ("UByte", "(byte)value"),
            "uint" => ("UInt", "(uint)value"),
            _ => throw new InvalidDataException($"No mapping for choices of {type.Source}"),
        };
        // The choices of all these types are 0, 1, 2 and so on; a boolean has no value outside of them.
        var read = suffix == "Boolean"
            ? $"reader.ReadBoolean() ? ({name})1 : 0;"
            : $"""
              reader.Read{suffix}() is <= {type.Choices.Count - 1} and var value
                      ? ({name})value
                      : throw AmqpException.Decode("{type.Name} has no such value");
              """;
        output.Line(0, $$"""
            /// <summary>Reads and writes <see cref="{{name}}"/>.</summary>
            internal static class {{name}}Codec
            {
                internal static {{name}} Read{{name}}(this ref AmqpReader reader) =>
                    {{read}}

                internal static {{name}}? Read{{name}}OrNull(this ref AmqpReader reader) =>
                    reader.TryReadNull() ? null : reader.Read{{name}}();

                internal static void Write{{name}}(this ref AmqpWriter writer, {{name}} value) =>
                    writer.Write{{suffix}}({{cast}});

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

    private static string Number(SpecChoice choice) => choice.Value switch
    {
        "false" => "0",
        "true" => "1",
        var number => number,
    };
}
