using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Spec;

/// <summary>The composite types against the OASIS XML.</summary>
public sealed class CompositeSpecTests
{
    public static TheoryData<string> Names => Composites.Names;

    [Fact]
    public void Library_HasEveryCompositeButTransactionsAndLifetimePolicies()
    {
        var left = SpecFiles.Types
            .Where(type => SpecFiles.Text(type, "class") == "composite")
            .Select(type => SpecFiles.Text(type, "name")!)
            .Where(name => !Composites.All.ContainsKey(name));
        Assert.Equal(
            [
                "declare", "declared", "delete-on-close", "delete-on-no-links", "delete-on-no-links-or-messages",
                "delete-on-no-messages", "discharge", "transactional-state",
            ],
            left.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Composite_HasTheDescriptorOfTheSpecification(string name)
    {
        var expected = SpecFiles.DescriptorCode(SpecFiles.Type(name));
        var descriptor = Composites.All[name].Type.GetField("Descriptor")!.GetRawConstantValue();
        Assert.Equal(expected, descriptor);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Composite_HasTheFieldsOfTheSpecificationInOrder(string name)
    {
        var fields = SpecFiles.Fields(name);
        Assert.Equal(
            fields.Select(field => SpecFiles.Pascal(SpecFiles.Text(field, "name")!)),
            Fields(name).Select(property => property.Name));
        foreach (var (field, property) in fields.Zip(Fields(name)))
        {
            var isMandatory = SpecFiles.Text(field, "mandatory") == "true";
            var hasDefault = SpecFiles.Text(field, "default") is not null;
            Assert.Equal(isMandatory, property.GetCustomAttribute<RequiredMemberAttribute>() is not null);
            Assert.Equal(!isMandatory && !hasDefault, IsNullable(property));
            Assert.Equal(SpecFiles.Text(field, "multiple") == "true", property.PropertyType == typeof(Symbol[]));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Composite_WithOneFieldSet_ReadsAndWritesThatFieldAndNoOther(string name)
    {
        var fields = SpecFiles.Fields(name);
        var mandatory = fields.Select(field => SpecFiles.Text(field, "mandatory") == "true").ToArray();
        for (var set = 0; set < Math.Max(fields.Count, 1); set++)
        {
            var elements = fields
                .Select((field, i) => i == set || mandatory[i] ? Samples.Encoded(field) : [FormatCode.Null])
                .ToList();
            var composite = Composites.All[name];

            var descriptor = SpecFiles.DescriptorCode(SpecFiles.Type(name));
            var written = Elements(composite.Write(composite.Read(Samples.List(elements))), descriptor);

            Assert.Equal(fields.Count, written.Count);
            for (var i = 0; i < fields.Count; i++)
            {
                var sent = i == set || mandatory[i] ? elements[i] : Samples.Default(fields[i]);
                Assert.Equal(Convert.ToHexString(sent), Convert.ToHexString(written[i]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Composite_WithTrailingFieldsLeftOut_ReadsAsWithNulls(string name)
    {
        var fields = SpecFiles.Fields(name);
        var needed = fields.FindLastIndex(field => SpecFiles.Text(field, "mandatory") == "true") + 1;
        var full = fields.Select((field, i) => i < needed ? Samples.Encoded(field) : [FormatCode.Null]).ToList();
        var composite = Composites.All[name];

        var fromShort = composite.Read(Samples.List([.. full.Take(needed)]));

        Assert.Equal(composite.Write(composite.Read(Samples.List(full))), composite.Write(fromShort));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Composite_WithOneFieldTooMany_IsRefused(string name)
    {
        var elements = SpecFiles.Fields(name).Select(Samples.Encoded).Append([FormatCode.Null]).ToList();
        var exception = Assert.Throws<AmqpException>(() => Composites.All[name].Read(Samples.List(elements)));
        Assert.Equal((ErrorScope.Connection, "amqp:decode-error"), (exception.Scope, exception.Condition));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Composite_WithFieldOfWrongType_IsRefused(string name)
    {
        var fields = SpecFiles.Fields(name);
        for (var wrong = 0; wrong < fields.Count; wrong++)
        {
            // Any value may stand in these: their owners look into them.
            if (SpecFiles.Text(fields[wrong], "requires") is "address" or "message-id")
                continue;
            var elements = fields.Select(Samples.Encoded).ToList();
            elements[wrong] = [FormatCode.Decimal32, 1, 2, 3, 4];
            var exception = Assert.Throws<AmqpException>(() => Composites.All[name].Read(Samples.List(elements)));
            Assert.Equal((ErrorScope.Connection, "amqp:decode-error"), (exception.Scope, exception.Condition));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Composite_WithMandatoryFieldNullOrMissing_IsRefusedInItsScope(string name)
    {
        var fields = SpecFiles.Fields(name);
        var expected = name is "attach" or "flow" or "transfer" or "disposition" or "detach"
            ? (ErrorScope.Session, "amqp:invalid-field")
            : (ErrorScope.Connection, "amqp:decode-error");
        for (var missing = 0; missing < fields.Count; missing++)
        {
            if (SpecFiles.Text(fields[missing], "mandatory") != "true")
                continue;
            var elements = fields.Select(Samples.Encoded).ToList();
            elements[missing] = [FormatCode.Null];
            var composite = Composites.All[name];
            var asNull = Assert.Throws<AmqpException>(() => composite.Read(Samples.List(elements)));
            var cut = Assert.Throws<AmqpException>(() => composite.Read(Samples.List([.. elements.Take(missing)])));
            Assert.Equal(expected, (asNull.Scope, asNull.Condition));
            Assert.Equal(expected, (cut.Scope, cut.Condition));
        }
    }

    /// <summary>
    /// The parts of a list8 or list32 behind its descriptor, which must be a smallulong and no list0.
    /// </summary>
    private static List<byte[]> Elements(byte[] encoded, ulong descriptor)
    {
        Assert.Equal([FormatCode.Described, FormatCode.SmallULong, (byte)descriptor], encoded[..3]);
        var reader = new AmqpReader(encoded.AsMemory(3));
        Assert.NotEqual(FormatCode.List0, reader.PeekFormatCode());
        var count = reader.ReadListHeader(out var end);
        var elements = new List<byte[]>();
        for (var i = 0; i < count; i++)
            elements.Add(reader.ReadEncodedValue().ToArray());
        reader.ReadEnd(end);
        return elements;
    }

    private static List<PropertyInfo> Fields(string name) =>
    [
        .. Composites.All[name].Type
            .GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(property => property.CanWrite),
    ];

    private static bool IsNullable(PropertyInfo property) =>
        new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable;
}
