using System.Globalization;
using System.Reflection;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;

namespace Hubbub.Amqp.Tests.Spec;

/// <summary>Format codes, choices and tables written by hand, against the OASIS XML.</summary>
public sealed class FormatCodeSpecTests
{
    private static List<(string Type, byte Code, string Category, int Width)> Encodings =>
    [
        .. SpecFiles.Types.Where(type => SpecFiles.Text(type, "class") == "primitive")
            .SelectMany(type => SpecFiles.Children(type, "encoding").Select(encoding => (
                SpecFiles.Text(type, "name")!,
                Convert.ToByte(SpecFiles.Text(encoding, "code"), 16),
                SpecFiles.Text(encoding, "category")!,
                int.Parse(SpecFiles.Text(encoding, "width")!, CultureInfo.InvariantCulture)))),
    ];

    [Fact]
    public void FormatCodes_AreThoseOfTheSpecificationAndNoOthers()
    {
        var ours = typeof(FormatCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (byte)field.GetRawConstantValue()!);
        Assert.Equal(Encodings.Select(e => e.Code).Append((byte)0).Order(), ours.Order());
    }

    [Fact]
    public void FormatCodes_HaveTheTypeAndWidthOfTheSpecification()
    {
        foreach (var (type, code, category, width) in Encodings)
        {
            Assert.Equal(type, AmqpKinds.Of(code).ToString().ToLowerInvariant());
            Assert.Equal(category == "fixed" ? width : -1, FormatCode.FixedWidth(code));
        }
    }

    [Fact]
    public void Reader_TakesEveryAssignedCodeAndRefusesAllOthers()
    {
        var assigned = Encodings.ToDictionary(e => e.Code);
        for (var code = 1; code <= 255; code++)
        {
            var isAssigned = assigned.TryGetValue((byte)code, out var encoding);
            byte[] bytes = [(byte)code, .. Smallest(encoding.Category, encoding.Width)];
            if (isAssigned)
            {
                var reader = new AmqpReader(bytes);
                reader.SkipValue();
                Assert.Equal(bytes.Length, reader.Position);
            }
            else
            {
                Assert.Throws<AmqpException>(() => new AmqpReader(bytes).SkipValue());
            }
        }
    }

    [Theory]
    [InlineData("role", typeof(Performatives.Role))]
    [InlineData("sender-settle-mode", typeof(Performatives.SenderSettleMode))]
    [InlineData("receiver-settle-mode", typeof(Performatives.ReceiverSettleMode))]
    [InlineData("sasl-code", typeof(Performatives.SaslCode))]
    [InlineData("terminus-durability", typeof(Performatives.TerminusDurability))]
    public void Enum_HasTheChoicesOfTheSpecification(string name, Type type)
    {
        var expected = SpecFiles.Children(SpecFiles.Type(name), "choice").Select(choice => (
            SpecFiles.Pascal(SpecFiles.Text(choice, "name")!),
            SpecFiles.Text(choice, "value") switch { "false" => "0", "true" => "1", var value => value! }));
        var ours = Enum.GetNames(type).Select(choice => (choice, Enum.Format(type, Enum.Parse(type, choice), "d")));
        Assert.Equal(expected, ours);
    }

    [Fact]
    public void ErrorConditions_AreThoseOfTheTransportPart()
    {
        string[] types = ["amqp-error", "connection-error", "session-error", "link-error"];
        var expected = types.SelectMany(type => SpecFiles.Children(SpecFiles.Type(type), "choice"))
            .Select(choice => SpecFiles.Text(choice, "value")!);
        var ours = typeof(Performatives.ErrorCondition).GetFields()
            .Select(field => (string)field.GetRawConstantValue()!);
        Assert.Equal(expected.Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
        Assert.Equal("amqp:link:redirect", Performatives.ErrorCondition.LinkRedirect);
        Assert.Equal("amqp:connection:redirect", Performatives.ErrorCondition.ConnectionRedirect);
    }

    [Fact]
    public void SymbolicDescriptors_MeanTheirNumbers()
    {
        foreach (var type in SpecFiles.Types.Where(type => SpecFiles.Children(type, "descriptor").Any()))
        {
            var name = SpecFiles.Text(SpecFiles.Children(type, "descriptor").Single(), "name")!;
            byte[] bytes = [0, FormatCode.Symbol8, (byte)name.Length, .. System.Text.Encoding.ASCII.GetBytes(name)];
            Assert.Equal(SpecFiles.DescriptorCode(type), new AmqpReader(bytes).ReadDescriptor());
        }
    }

    [Fact]
    public void SectionFieldTypes_AreThoseOfTheSpecification()
    {
        Assert.Equal(Kinds("header"), SectionFields.Header);
        Assert.Equal(Kinds("properties"), SectionFields.Properties);
    }

    private static IEnumerable<AmqpKind> Kinds(string composite) => SpecFiles.Fields(composite).Select(field =>
        SpecFiles.Text(field, "requires") switch
        {
            "message-id" => AmqpKind.Described,
            "address" => AmqpKind.String,
            _ => Enum.Parse<AmqpKind>(SpecFiles.Primitive(SpecFiles.Text(field, "type")!), ignoreCase: true),
        });

    private static byte[] Smallest(string? category, int width) => category switch
    {
        "fixed" => new byte[width],
        "variable" => new byte[width],
        "compound" => width == 1 ? [1, 0] : [0, 0, 0, 4, 0, 0, 0, 0],
        "array" => width == 1 ? [2, 0, FormatCode.Null] : [0, 0, 0, 5, 0, 0, 0, 0, FormatCode.Null],
        _ => new byte[32],
    };
}
