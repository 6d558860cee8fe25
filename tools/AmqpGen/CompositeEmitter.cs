using System.Globalization;

namespace AmqpGen;

/// <summary>Writes the C# of one composite type.</summary>
internal sealed class CompositeEmitter(SpecModel spec, SpecType type, SourceText output)
{
    /// <summary>The performatives of every message: structs, so that reading one allocates nothing.</summary>
    private static readonly string[] Hot = ["flow", "transfer", "disposition"];

    /// <summary>
    /// Performatives that belong to a session: a missing mandatory field ends that, not the connection.
    /// </summary>
    private static readonly string[] OfSession = ["attach", "flow", "transfer", "disposition", "detach"];

    private const string SliceRemark =
        "Binary, map and opaque fields that were read are slices of the frame and live as long as it.";

    private readonly string _name = Names.Type(type.Name);

    private string? Parent => type.Provides.Split(", ")[0] switch
    {
        "delivery-state" => "DeliveryState",
        "source" or "target" => "Terminus",
        _ => null,
    };

    public void Emit()
    {
        var parent = Parent is null ? "" : $" : {Parent}";
        var kind = IsHot ? "readonly record struct" : "sealed record";
        output.Line(0, $"/// <summary>The {type.Name} type of AMQP ({type.DescriptorName}).</summary>");
        if (type.Fields.Any(field => spec.Primitive(field.Type) is "binary" or "map" or "*"))
            output.Line(0, $"/// <remarks>{SliceRemark}</remarks>");
        output.Line(0, $"public {kind} {_name}{parent}");
        output.Line(0, "{");
        output.Line(1, "/// <summary>The numeric descriptor.</summary>");
        output.Line(1, $"public const ulong Descriptor = 0x{type.DescriptorCode:x2};");
        output.Line();
        if (type.Fields.Count == 0)
            EmitSingleton();
        else
            EmitFields();
        EmitWrite();
        if (IsField)
            EmitOrNull();
        output.Line(0, "}");
        output.Line();
    }

    private bool IsHot => Hot.Contains(type.Name);

    private bool IsField => spec.Types.Any(other => other.Fields.Any(f => f.Type == type.Name));

    private void EmitSingleton()
    {
        output.Line(1, "/// <summary>The one value of this type, which has no fields.</summary>");
        output.Line(1, $"public static readonly {_name} Instance = new();");
        output.Line();
        output.Line(1, $"private {_name}()");
        output.Line(1, "{");
        output.Line(1, "}");
        output.Line();
        ReadSummary();
        output.Line(1, $"public static {New}{_name} Read(ref AmqpReader reader)");
        output.Line(1, "{");
        output.Line(2, $"reader.ReadListHeader(0, \"{type.Name}\", out var end);");
        output.Line(2, "reader.ReadEnd(end);");
        output.Line(2, "return Instance;");
        output.Line(1, "}");
        output.Line();
    }

    private void EmitFields()
    {
        if (!IsHot)
        {
            output.Line(1, "/// <summary>All fields absent, but for those that the caller has to set.</summary>");
            output.Line(1, $"public {_name}()");
            output.Line(1, "{");
            output.Line(1, "}");
            output.Line();
        }
        // Read into the properties themselves: a struct put together from locals is copied field by field, which
        // takes as long as the reading.
        output.Line(1, "[SetsRequiredMembers]");
        // Inlined into its callers, it would use up what the JIT inlines into it: the reads of the fields.
        if (IsHot)
            output.Line(1, "[MethodImpl(MethodImplOptions.NoInlining)]");
        output.Line(1, $"private {_name}(ref AmqpReader reader)");
        output.Line(1, "{");
        output.Line(2, $"var count = reader.ReadListHeader({type.Fields.Count}, \"{type.Name}\", out var end);");
        for (var i = 0; i < type.Fields.Count; i++)
            EmitRead(type.Fields[i], i);
        output.Line(2, "reader.ReadEnd(end);");
        output.Line(1, "}");
        output.Line();
        foreach (var field in type.Fields)
            EmitProperty(field);
        ReadSummary();
        output.Line(1, $"public static {New}{_name} Read(ref AmqpReader reader) => new(ref reader);");
        output.Line();
    }

    private void EmitProperty(SpecField field)
    {
        var mapping = FieldMapping.Of(spec, field);
        var fallback = FieldMapping.Default(spec, field);
        var facts = field.Type + (field.Multiple ? ", several" : "") + (field.Mandatory ? ", mandatory" : "")
            + (field.Default is null ? "" : $", default {field.Default}");
        facts = facts.Replace("*", field.Requires, StringComparison.Ordinal);
        output.Line(1, $"/// <summary>{field.Name}: {facts}.</summary>");
        var required = field.Mandatory ? "required " : "";
        var optional = field.Mandatory || fallback is not null ? "" : "?";
        // A struct's fields start at zero and false, which are the defaults of the hot types.
        var initializer = fallback is null or "false" or "0" ? "" : $" = {fallback};";
        var name = Names.Property(field.Name);
        output.Line(1, $"public {required}{mapping.Type}{optional} {name} {{ get; init; }}{initializer}");
        output.Line();
    }

    private void EmitRead(SpecField field, int index)
    {
        var mapping = FieldMapping.Of(spec, field);
        var property = Names.Property(field.Name);
        var local = Names.Local(field.Name);
        if (field.Mandatory)
        {
            var scope = OfSession.Contains(type.Name) ? "Session" : "Connection";
            output.Line(2, $"if (count <= {index} || {mapping.Read} is not {{ }} {local})");
            output.Line(3, $"throw AmqpException.MissingField(\"{type.Name}\", \"{field.Name}\", ErrorScope.{scope});");
            output.Line(2, $"{property} = {local};");
        }
        else if (FieldMapping.Default(spec, field) is { } fallback)
        {
            output.Line(2, $"{property} = (count > {index} ? {mapping.Read} : null) ?? {fallback};");
        }
        else
        {
            output.Line(2, $"{property} = count > {index} ? {mapping.Read} : null;");
        }
    }

    private void EmitWrite()
    {
        var modifier = Parent is null ? "" : "override ";
        output.Line(1, "/// <summary>Writes the descriptor and all fields, the absent ones as nulls.</summary>");
        output.Line(1, $"public {modifier}void Write(ref AmqpWriter writer)");
        output.Line(1, "{");
        output.Line(2, "var mark = writer.BeginList(Descriptor);");
        foreach (var field in type.Fields)
        {
            var mapping = FieldMapping.Of(spec, field);
            var isPresent = field.Mandatory || field.Default is not null;
            output.Line(2, string.Format(
                CultureInfo.InvariantCulture,
                isPresent ? mapping.WritePresentFormat : mapping.WriteFormat,
                Names.Property(field.Name)));
        }
        output.Line(2, $"writer.EndList(mark, {type.Fields.Count});");
        output.Line(1, "}");
    }

    private void EmitOrNull()
    {
        output.Line();
        output.Line(1, "/// <summary>Reads the descriptor and the fields, or a null.</summary>");
        output.Line(1, $"public static {_name}? ReadDescribedOrNull(ref AmqpReader reader)");
        output.Line(1, "{");
        output.Line(2, "if (reader.TryReadNull())");
        output.Line(3, "return null;");
        output.Line(2, "return reader.ReadDescriptor() == Descriptor");
        output.Line(3, "? Read(ref reader)");
        output.Line(3, $": throw AmqpException.Decode(\"{type.DescriptorName} was expected\");");
        output.Line(1, "}");
        output.Line();
        output.Line(1, "/// <summary>Writes the value or a null.</summary>");
        output.Line(1, $"public static void WriteOrNull(ref AmqpWriter writer, {_name}? value)");
        output.Line(1, "{");
        output.Line(2, "if (value is null)");
        output.Line(3, "writer.WriteNull();");
        output.Line(2, "else");
        output.Line(3, "value.Write(ref writer);");
        output.Line(1, "}");
    }

    /// <summary>The abstract parents have a Read of their own, which tells the types apart.</summary>
    private string New => Parent is null ? "" : "new ";

    private void ReadSummary()
    {
        output.Line(1, "/// <summary>Reads the fields; the descriptor was read.</summary>");
        output.Line(1, "/// <exception cref=\"AmqpException\">The bytes are not this type.</exception>");
    }
}
