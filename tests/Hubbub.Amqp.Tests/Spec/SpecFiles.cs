using System.Globalization;
using System.Xml.Linq;

namespace Hubbub.Amqp.Tests.Spec;

/// <summary>
/// The OASIS XML, read here a second time and apart from the generator, so that a mistake of the generator shows.
/// The files belong to Debian's package amqp-specs and stay outside the repository.
/// </summary>
internal static class SpecFiles
{
    private static readonly string[] Files = ["transport", "messaging", "security", "transactions", "types"];

    /// <summary>The folder of the files. Skips the running test when it is not there.</summary>
    internal static string Folder
    {
        get
        {
            var folder = Environment.GetEnvironmentVariable("AMQP_SPECS") ?? "/usr/share/amqp/specs/1-0";
            if (!File.Exists(Path.Combine(folder, "transport.bare.xml")))
                Assert.Skip($"the OASIS XML is not in {folder}: install Debian's package amqp-specs or set AMQP_SPECS");
            return folder;
        }
    }

    private static List<XElement>? _types;

    /// <summary>All type elements.</summary>
    internal static IReadOnlyList<XElement> Types => _types ??=
    [
        .. Files.SelectMany(file => XDocument.Load(Path.Combine(Folder, file + ".bare.xml")).Descendants())
            .Where(element => element.Name.LocalName == "type"),
    ];

    internal static XElement Type(string name) => Types.Single(type => Text(type, "name") == name);

    internal static IEnumerable<XElement> Children(XElement element, string name) =>
        element.Elements().Where(child => child.Name.LocalName == name);

    internal static List<XElement> Fields(string type) => [.. Children(Type(type), "field")];

    internal static string? Text(XElement element, string attribute) => element.Attribute(attribute)?.Value;

    internal static ulong DescriptorCode(XElement type) =>
        ulong.Parse(
            Text(Children(type, "descriptor").Single(), "code")!.Replace("0x", "", StringComparison.Ordinal)
                .Replace(":", "", StringComparison.Ordinal),
            NumberStyles.HexNumber,
            CultureInfo.InvariantCulture);

    /// <summary>The primitive type, or <c>*</c>, under a chain of restricted types.</summary>
    internal static string Primitive(string name)
    {
        while (Types.SingleOrDefault(t => Text(t, "name") == name) is { } type && Text(type, "class") == "restricted")
            name = Text(type, "source")!;
        return name;
    }

    /// <summary>receiver-settle-mode becomes ReceiverSettleMode.</summary>
    internal static string Pascal(string name) =>
        string.Concat(name.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}
