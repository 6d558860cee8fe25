namespace AmqpGen;

/// <summary>How one field of the specification looks in C#.</summary>
/// <param name="Type">The C# type, without the question mark.</param>
/// <param name="Read">An expression that reads the field or a null.</param>
/// <param name="WriteFormat">A statement that writes the field; {0} is the property.</param>
/// <param name="WritePresentFormat">A statement that writes the field, which is not null.</param>
internal sealed record FieldMapping(string Type, string Read, string WriteFormat, string WritePresentFormat)
{
    /// <summary>Maps the field by its type.</summary>
    public static FieldMapping Of(SpecModel spec, SpecField field)
    {
        if (spec.Find(field.Type) is { IsComposite: true } composite)
            return Described(Names.Type(composite.Name), "ReadDescribed");
        if (field.Type == "*")
        {
            return field.Requires switch
            {
                "source" or "target" => Described("Terminus", "Read"),
                "delivery-state" or "outcome" => Described("DeliveryState", "Read"),
                _ => Primitive("AmqpValue", "Value"),
            };
        }
        if (spec.Find(field.Type) is { Choices.Count: > 0 } choices && choices.Source != "symbol")
            return Primitive(Names.Type(choices.Name), Names.Type(choices.Name));
        var primitive = spec.Primitive(field.Type);
        if (field.Multiple)
            return Primitive("Symbol[]", primitive == "symbol" ? "Symbols" : throw Unmapped(field));
        return primitive switch
        {
            "boolean" => Primitive("bool", "Boolean"),
            "ubyte" => Primitive("byte", "UByte"),
            "ushort" => Primitive("ushort", "UShort"),
            "uint" => Primitive("uint", "UInt"),
            "ulong" => Primitive("ulong", "ULong"),
            "timestamp" => Primitive("Timestamp", "Timestamp"),
            "binary" => Primitive("ReadOnlyMemory<byte>", "Binary") with
            {
                WritePresentFormat = "writer.WriteBinary({0}.Span);",
            },
            "string" => Primitive("string", "String"),
            "symbol" => Primitive("Symbol", "Symbol"),
            "map" => Primitive("AmqpMap", "Map"),
            _ => throw Unmapped(field),
        };
    }

    /// <summary>The default of the field as a C# expression; null when it has none.</summary>
    public static string? Default(SpecModel spec, SpecField field)
    {
        if (field.Default is not { } value)
            return null;
        if (spec.Find(field.Type) is { Choices.Count: > 0 } choices)
        {
            return choices.Source == "symbol"
                ? $"new Symbol(\"{value}\")"
                : $"{Names.Type(choices.Name)}.{Names.Type(value)}";
        }
        return spec.Primitive(field.Type) switch
        {
            "boolean" => value,
            "ushort" when value == "65535" => "ushort.MaxValue",
            "uint" => value == "4294967295" ? "uint.MaxValue" : value,
            _ => throw Unmapped(field),
        };
    }

    private static FieldMapping Primitive(string type, string suffix) => new(
        type,
        $"reader.Read{suffix}OrNull()",
        $"writer.Write{suffix}OrNull({{0}});",
        $"writer.Write{suffix}({{0}});");

    private static FieldMapping Described(string type, string read) => new(
        type,
        $"{type}.{read}OrNull(ref reader)",
        $"{type}.WriteOrNull(ref writer, {{0}});",
        "{0}.Write(ref writer);");

    private static InvalidDataException Unmapped(SpecField field) =>
        new($"No mapping for field {field.Name}: {field.Type}");
}
