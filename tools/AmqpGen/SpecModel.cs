using System.Xml.Linq;

namespace AmqpGen;

/// <summary>A field of a composite type.</summary>
internal sealed record SpecField(
    string Name, string Type, string? Requires, bool Mandatory, bool Multiple, string? Default);

/// <summary>One named value of a restricted type.</summary>
internal sealed record SpecChoice(string Name, string Value);

/// <summary>A composite or restricted type; the descriptor is there for described types.</summary>
internal sealed record SpecType(
    string Name,
    string File,
    bool IsComposite,
    string Source,
    string Provides,
    string? DescriptorName,
    ulong DescriptorCode,
    IReadOnlyList<SpecField> Fields,
    IReadOnlyList<SpecChoice> Choices);

/// <summary>The types of the specification's XML files, in the order in which they stand there.</summary>
internal sealed class SpecModel
{
    private readonly Dictionary<string, SpecType> _byName;

    private SpecModel(List<SpecType> types) =>
        (Types, _byName) = (types, types.ToDictionary(type => type.Name, StringComparer.Ordinal));

    /// <summary>All composite and restricted types.</summary>
    public IReadOnlyList<SpecType> Types { get; }

    /// <summary>Reads the files from the folder.</summary>
    public static SpecModel Load(string folder, params string[] files)
    {
        var types = new List<SpecType>();
        foreach (var file in files)
        {
            var document = XDocument.Load(Path.Combine(folder, file + ".bare.xml"));
            types.AddRange(document.Descendants()
                .Where(element => element.Name.LocalName == "type" && Attribute(element, "class") != "primitive")
                .Select(element => ReadType(element, file)));
        }
        return new SpecModel(types);
    }

    /// <summary>The type of this name; null for a primitive type and for <c>*</c>.</summary>
    public SpecType? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The primitive type (or <c>*</c>) at the bottom of a chain of restricted types.</summary>
    public string Primitive(string name)
    {
        while (Find(name) is { IsComposite: false } type)
            name = type.Source;
        return name;
    }

    private static SpecType ReadType(XElement element, string file)
    {
        var descriptor = Children(element, "descriptor").SingleOrDefault();
        return new SpecType(
            Attribute(element, "name")!,
            file,
            Attribute(element, "class") == "composite",
            Attribute(element, "source")!,
            Attribute(element, "provides") ?? "",
            descriptor is null ? null : Attribute(descriptor, "name"),
            descriptor is null ? 0 : ReadCode(Attribute(descriptor, "code")!),
            [.. Children(element, "field").Select(ReadField)],
            [.. Children(element, "choice").Select(ReadChoice)]);
    }

    private static SpecChoice ReadChoice(XElement choice) =>
        new(Attribute(choice, "name")!, Attribute(choice, "value")!);

    private static SpecField ReadField(XElement field) => new(
        Attribute(field, "name")!,
        Attribute(field, "type")!,
        Attribute(field, "requires"),
        Attribute(field, "mandatory") == "true",
        Attribute(field, "multiple") == "true",
        Attribute(field, "default"));

    /// <summary>A code is written as two 32-bit halves: 0x00000000:0x00000010.</summary>
    private static ulong ReadCode(string code)
    {
        var halves = code.Split(':');
        return (Convert.ToUInt64(halves[0], 16) << 32) | Convert.ToUInt64(halves[1], 16);
    }

    private static IEnumerable<XElement> Children(XElement element, string name) =>
        element.Elements().Where(child => child.Name.LocalName == name);

    private static string? Attribute(XElement element, string name) => element.Attribute(name)?.Value;
}
