using System.Globalization;
using System.Text;

namespace AmqpGen;

/// <summary>Writes the C# of one composite type.</summary>
internal sealed class CompositeEmitter(SpecModel spec, SpecType type, StringBuilder output)
{
    /// <summary>The three performatives of every message: structs, so that reading one allocates nothing.</summary>
    private static readonly string[] Hot = ["flow", "transfer", "disposition"];

    /// <summary>Performatives that belong to a session: a missing mandatory field ends that, not the connection.</summary>
    private static readonly string[] OfSession = ["attach", "flow", "transfer", "disposition", "detach"];

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
        var kind = Hot.Contains(type.Name) ? "readonly record struct" : "sealed record";
        Line(0, $"/// <summary>The {type.Name} type of AMQP ({type.DescriptorName}).</summary>");
        if (type.Fields.Any(field => spec.Primitive(field.Type) is "binary" or "map" or "*"))
            Line(0, "/// <remarks>Binary, map and opaque fields that were read are slices of the frame and live as long as it.</remarks>");
        Line(0, $"public {kind} {_name}{parent}");
        Line(0, "{");
        Line(1, "/// <summary>The numeric descriptor.</summary>");
        Line(1, $"public const ulong Descriptor = 0x{type.DescriptorCode:x2};");
        Line(0, "");
        if (type.Fields.Count == 0)
            EmitSingleton();
        else
            EmitFields();
        EmitWrite();
        if (IsField)
            EmitOrNull();
        Line(0, "}");
        Line(0, "");
    }

    private bool IsField => spec.Types.Any(other => other.Fields.Any(f => f.Type == type.Name));

    private void EmitSingleton()
    {
        Line(1, "/// <summary>The one value of this type, which has no fields.</summary>");
        Line(1, $"public static readonly {_name} Instance = new();");
        Line(0, "");
        Line(1, $"private {_name}()");
        Line(1, "{");
        Line(1, "}");
        Line(0, "");
        ReadSummary();
        Line(1, $"public static {New}{_name} Read(ref AmqpReader reader)");
        Line(1, "{");
        Line(2, $"reader.ReadListHeader(0, \"{type.Name}\", out var end);");
        Line(2, "reader.ReadEnd(end);");
        Line(2, "return Instance;");
        Line(1, "}");
        Line(0, "");
    }

    private void EmitFields()
    {
        foreach (var field in type.Fields)
            EmitProperty(field);
        ReadSummary();
        Line(1, $"public static {New}{_name} Read(ref AmqpReader reader)");
        Line(1, "{");
        Line(2, $"var count = reader.ReadListHeader({type.Fields.Count}, \"{type.Name}\", out var end);");
        for (var i = 0; i < type.Fields.Count; i++)
            EmitRead(type.Fields[i], i);
        Line(2, "reader.ReadEnd(end);");
        Line(2, $"return new {_name}");
        Line(2, "{");
        foreach (var field in type.Fields)
            Line(3, $"{Names.Property(field.Name)} = {Names.Local(field.Name)},");
        Line(2, "};");
        Line(1, "}");
        Line(0, "");
    }

    private void EmitProperty(SpecField field)
    {
        var mapping = FieldMapping.Of(spec, field);
        var fallback = FieldMapping.Default(spec, field);
        var facts = field.Type + (field.Multiple ? ", several" : "") + (field.Mandatory ? ", mandatory" : "")
            + (field.Default is null ? "" : $", default {field.Default}");
        Line(1, $"/// <summary>{field.Name}: {facts.Replace("*", field.Requires, StringComparison.Ordinal)}.</summary>");
        var required = field.Mandatory ? "required " : "";
        var optional = field.Mandatory || fallback is not null ? "" : "?";
        // A struct's fields start at zero and false, which are the defaults of the hot types.
        var initializer = fallback is null or "false" or "0" ? "" : $" = {fallback};";
        Line(1, $"public {required}{mapping.Type}{optional} {Names.Property(field.Name)} {{ get; init; }}{initializer}");
        Line(0, "");
    }

    private void EmitRead(SpecField field, int index)
    {
        var mapping = FieldMapping.Of(spec, field);
        var local = Names.Local(field.Name);
        if (field.Mandatory)
        {
            var scope = OfSession.Contains(type.Name) ? "Session" : "Connection";
            Line(2, $"if (count <= {index} || {mapping.Read} is not {{ }} {local})");
            Line(3, $"throw AmqpException.MissingField(\"{type.Name}\", \"{field.Name}\", ErrorScope.{scope});");
        }
        else if (FieldMapping.Default(spec, field) is { } fallback)
        {
            Line(2, $"var {local} = count > {index} ? {mapping.Read} ?? {fallback} : {fallback};");
        }
        else
        {
            Line(2, $"var {local} = count > {index} ? {mapping.Read} : null;");
        }
    }

    private void EmitWrite()
    {
        var modifier = Parent is null ? "" : "override ";
        Line(1, "/// <summary>Writes the descriptor and all fields; absent ones as nulls, trailing ones too.</summary>");
        Line(1, $"public {modifier}void Write(ref AmqpWriter writer)");
        Line(1, "{");
        Line(2, "var mark = writer.BeginList(Descriptor);");
        foreach (var field in type.Fields)
        {
            var mapping = FieldMapping.Of(spec, field);
            var isPresent = field.Mandatory || field.Default is not null;
            Line(2, string.Format(
                CultureInfo.InvariantCulture,
                isPresent ? mapping.WritePresentFormat : mapping.WriteFormat,
                Names.Property(field.Name)));
        }
        Line(2, $"writer.EndList(mark, {type.Fields.Count});");
        Line(1, "}");
    }

    private void EmitOrNull()
    {
        Line(0, "");
        Line(1, "/// <summary>Reads the descriptor and the fields, or a null.</summary>");
        Line(1, $"public static {_name}? ReadDescribedOrNull(ref AmqpReader reader)");
        Line(1, "{");
        Line(2, "if (reader.TryReadNull())");
        Line(3, "return null;");
        Line(2, "return reader.ReadDescriptor() == Descriptor");
        Line(3, "? Read(ref reader)");
        Line(3, $": throw AmqpException.Decode(\"{type.DescriptorName} was expected\");");
        Line(1, "}");
        Line(0, "");
        Line(1, "/// <summary>Writes the value or a null.</summary>");
        Line(1, $"public static void WriteOrNull(ref AmqpWriter writer, {_name}? value)");
        Line(1, "{");
        Line(2, "if (value is null)");
        Line(3, "writer.WriteNull();");
        Line(2, "else");
        Line(3, "value.Write(ref writer);");
        Line(1, "}");
    }

    /// <summary>The abstract parents have a Read of their own, which tells the types apart.</summary>
    private string New => Parent is null ? "" : "new ";

    private void ReadSummary()
    {
        Line(1, "/// <summary>Reads the fields; the descriptor was read.</summary>");
        Line(1, "/// <exception cref=\"AmqpException\">A mandatory field is missing, or the bytes are not this type.</exception>");
    }

    private void Line(int depth, string text) => output.Append(' ', text.Length == 0 ? 0 : depth * 4).Append(text).Append('\n');
}
