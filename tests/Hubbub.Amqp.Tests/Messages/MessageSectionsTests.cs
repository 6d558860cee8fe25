using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Messages;

/// <summary>Finding the sections of messages, and refusing what is no message.</summary>
public sealed class MessageSectionsTests
{
    // Whole sections, in the order of the standard.
    private const string Header = "005370c0020141";
    private const string DeliveryAnnotations = "005371c10502a3016441";
    private const string MessageAnnotations = "005372c10502a3016d41";
    private const string Properties = "005373c00401a10169";
    private const string ApplicationProperties = "005374c10702a1016ba10176";
    private const string Data = "005375a003010203";
    private const string Sequence = "005376c0020141";
    private const string Value = "005377a10176";
    private const string Footer = "005378c10502a3016641";

    [Fact]
    public void Message_WithAllSections_IsTakenApart()
    {
        var message = Wire.Bytes(
            Header + DeliveryAnnotations + MessageAnnotations + Properties + ApplicationProperties + Data + Footer);

        var sections = Read(message);

        Assert.Equal(Wire.Bytes(Header), sections.HeaderSection.ToArray());
        Assert.Equal(Wire.Bytes(DeliveryAnnotations), sections.DeliveryAnnotationsSection.ToArray());
        Assert.Equal(Wire.Bytes(MessageAnnotations), sections.MessageAnnotationsSection.ToArray());
        Assert.Equal(Wire.Bytes(Properties), sections.PropertiesSection.ToArray());
        Assert.Equal(Wire.Bytes(ApplicationProperties), sections.ApplicationPropertiesSection.ToArray());
        Assert.Equal(Wire.Bytes(Data), sections.BodySections.ToArray());
        Assert.Equal(Wire.Bytes(Footer), sections.FooterSection.ToArray());
        Assert.Equal(Wire.Bytes(Properties + ApplicationProperties + Data), sections.BareMessage!.Value.ToArray());
        Assert.True(sections.ReadHeader()!.Durable);
        Assert.True(sections.ReadProperties()!.MessageId!.Value.TextEquals("i"));
        Assert.True(sections.DeliveryAnnotations!.Value.TryGet("d", out _));
        Assert.True(sections.MessageAnnotations!.Value.TryGet("m", out _));
        Assert.True(sections.ApplicationProperties!.Value.TryGet("k", out var value) && value.TextEquals("v"));
        Assert.True(sections.Footer!.Value.TryGet("f", out _));
        Assert.Equal(["010203"], Payloads(sections));
    }

    [Theory]
    [InlineData("005375a000", "")]
    [InlineData("005375a00107", "07")]
    [InlineData("005375b00000000107", "07")]
    [InlineData("00800000000000000075a00107", "07")]
    [InlineData("00a310616d71703a646174613a62696e617279a00107", "07")]
    public void Message_OfOneDataSection_GivesItsPayload(string hex, string payload)
    {
        var sections = Read(Wire.Bytes(hex));
        Assert.Equal((BodyKind.Data, 1), (sections.Body, sections.BodySectionCount));
        Assert.Equal([payload], Payloads(sections));
        Assert.Equal(Wire.Bytes(hex), sections.BareMessage!.Value.ToArray());
        Assert.Null(sections.ReadProperties());
        Assert.Null(sections.ApplicationProperties);
        Assert.Null(sections.Value);
    }

    [Fact]
    public void Message_OfOtherBodies_GivesThem()
    {
        var value = Read(Wire.Bytes(Value));
        Assert.Equal(BodyKind.Value, value.Body);
        Assert.True(value.Value!.Value.TextEquals("v"));
        Assert.Empty(Payloads(value));
        var sequences = Read(Wire.Bytes(Sequence + Sequence));
        Assert.Equal((BodyKind.Sequence, 2), (sequences.Body, sequences.BodySectionCount));
    }

    /// <summary>Azure's .NET library sends no body section for an empty body.</summary>
    [Fact]
    public void Message_WithoutBody_IsTaken()
    {
        var sections = Read(Wire.Bytes(Properties));
        Assert.Equal(BodyKind.None, sections.Body);
        Assert.Equal(Wire.Bytes(Properties), sections.BareMessage!.Value.ToArray());
        Assert.Equal(0, Read(Wire.Bytes(MessageAnnotations)).BareMessage!.Value.Length);
    }

    /// <summary>The C SDK puts the annotations of a batch's items behind their application-properties.</summary>
    [Fact]
    public void Message_WithAnnotationsBehindProperties_IsTakenInLenientOrderOnly()
    {
        var message = Wire.Bytes(Properties + ApplicationProperties + MessageAnnotations + Data);
        var sections = Read(message, SectionOrder.Lenient);
        Assert.True(sections.MessageAnnotations!.Value.TryGet("m", out _));
        Assert.Null(sections.BareMessage);
        Assert.Equal(Wire.Bytes(Properties), sections.PropertiesSection.ToArray());
        Refused(message, SectionOrder.Strict);
        Refused(Wire.Bytes(Properties + MessageAnnotations + MessageAnnotations + Data), SectionOrder.Lenient);
        Refused(Wire.Bytes(Data + MessageAnnotations), SectionOrder.Lenient);
    }

    [Fact]
    public void Batch_OfManyMessages_GivesEachOne()
    {
        var items = Enumerable.Range(0, 1_000)
            .Select(i => Wire.Write((ref w) => w.WriteDataSection([(byte)i]))).ToList();
        var batch = Wire.Write((ref w) =>
        {
            foreach (var item in items)
                w.WriteDataSection(item);
        });

        Assert.True(MessageSections.TryRead(batch, SectionOrder.Strict, out var sections, out _, MessageFormats.Batch));

        Assert.Equal(1_000, sections.BodySectionCount);
        Assert.Equal(items.Select(Convert.ToHexString), Payloads(sections).Select(p => p.ToUpperInvariant()));
        Refused(batch, SectionOrder.Strict);
    }

    // Sections missing, out of order, doubled, too many, tricks with descriptors, bytes left over.
    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("005375")]
    [InlineData("005375a0")]
    [InlineData("005375a00201")]
    [InlineData(Data + "00")]
    [InlineData(Data + "40")]
    [InlineData(Data + Value)]
    [InlineData(Value + Value)]
    [InlineData(Value + Data)]
    [InlineData(Data + Sequence)]
    [InlineData(Data + Properties)]
    [InlineData(Properties + Properties + Data)]
    [InlineData(Properties + MessageAnnotations + Data)]
    [InlineData(Footer + Data)]
    [InlineData(Data + Footer + Footer)]
    [InlineData(Data + Footer + Data)]
    [InlineData("005379a000")]
    [InlineData("00536fc00100")]
    [InlineData("0053f5a000")]
    [InlineData("00a30178a000")]
    [InlineData("a003010203")]
    [InlineData("00005375405375a000")]
    [InlineData("005375a10161")]
    [InlineData("005376a10161")]
    [InlineData("005373c10100")]
    [InlineData("005374c00100")]
    [InlineData("005372c00100")]
    [InlineData("005370c00706414040404040")]
    [InlineData("005370c002014000")]
    [InlineData("005370c0020143")]
    [InlineData("005373c0020141")]
    [InlineData("005373c0020152")]
    public void Message_Malformed_IsRejectedWithDecodeError(string hex)
    {
        foreach (var order in Enum.GetValues<SectionOrder>())
        {
            // What is only out of order may pass where order does not count.
            if (order != SectionOrder.Strict && hex == Properties + MessageAnnotations + Data)
                continue;
            Assert.Equal("amqp:decode-error", Refused(Wire.Bytes(hex), order).Condition);
        }
    }

    [Fact]
    public void Message_OfManyEmptyDataSections_IsRejected()
    {
        var message = Enumerable.Repeat(Wire.Bytes("005375a000"), 100_000).SelectMany(bytes => bytes).ToArray();
        Assert.Equal("amqp:decode-error", Refused(message, SectionOrder.Strict).Condition);
        var allowed = message.AsMemory(0, 5 * CodecLimits.SectionsMax);
        Assert.True(MessageSections.TryRead(allowed, SectionOrder.Strict, out _, out _));
    }

    [Theory]
    [InlineData("005374c10702a3016ba10176" + Data)]
    [InlineData("005374c10402520741" + Data)]
    [InlineData("005374c10702a1016bc00100" + Data)]
    [InlineData("005374c10702a1016bc10100" + Data)]
    [InlineData("005374c10802a1016be0020040" + Data)]
    [InlineData("005374c10802a1016b00530141" + Data)]
    public void ApplicationProperties_NotStringsToSimpleValues_AreRejectedAsInvalid(string hex) =>
        Assert.Equal("amqp:invalid-field", Refused(Wire.Bytes(hex), SectionOrder.Strict).Condition);

    /// <summary>Python's Event Hubs client sends its token to $management as the descriptor of a value.</summary>
    [Fact]
    public void ApplicationProperties_WithDescribedValue_AreTakenInRequestsOnly()
    {
        var message = Wire.Bytes("005374c10902a1016b00a3017440" + Value);
        Assert.Equal("amqp:invalid-field", Refused(message, SectionOrder.Strict).Condition);
        Assert.Equal("amqp:invalid-field", Refused(message, SectionOrder.Lenient).Condition);
        var sections = Read(message, SectionOrder.Request);
        Assert.True(sections.ApplicationProperties!.Value.TryGet("k", out var value));
        Assert.True(value.TryGetDescribed(out var descriptor, out _) && descriptor.TextEquals("t"));
        var list = Wire.Bytes("005374c10702a1016bc00100" + Data);
        Assert.Equal("amqp:invalid-field", Refused(list, SectionOrder.Request).Condition);
    }

    [Fact]
    public void ApplicationProperties_OfEverySimpleType_AreTaken()
    {
        var simple = EncodedValues.All.Where(hex => AmqpKinds.IsSimple(AmqpKinds.Of(Wire.Bytes(hex)[0]))).ToList();
        var message = Wire.Write((ref w) =>
        {
            var mark = w.BeginApplicationProperties();
            for (var i = 0; i < simple.Count; i++)
            {
                w.WriteString($"key{i}");
                w.WriteEncoded(Wire.Bytes(simple[i]));
            }
            w.EndMap(mark, 2 * simple.Count);
            w.WriteDataSection([]);
        });
        Assert.Equal(simple.Count, Read(message).ApplicationProperties!.Value.Count);
    }

    [Fact]
    public void OutgoingMessage_Written_IsReadBack()
    {
        var message = new OutgoingMessage
        {
            Header = new Header { DeliveryCount = 3 },
            DeliveryAnnotations = new AmqpMapBuilder().Add("d", 1).Build(),
            MessageAnnotations = new AmqpMapBuilder().Add("x-opt-offset", "12").Build(),
            Properties = new Performatives.Properties { CorrelationId = AmqpValue.From(0ul), Subject = "s" },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("status-code", 200).Build(),
            Value = AmqpValue.From("body"),
        };

        var sections = Read(message.ToArray());

        Assert.Equal(message.Header, sections.ReadHeader());
        Assert.Equal(message.Properties, sections.ReadProperties());
        Assert.Equal(message.MessageAnnotations, sections.MessageAnnotations);
        Assert.Equal(message.DeliveryAnnotations, sections.DeliveryAnnotations);
        Assert.Equal(message.ApplicationProperties, sections.ApplicationProperties);
        Assert.Equal(message.Value, sections.Value);
    }

    [Fact]
    public void OutgoingMessage_WithoutBody_HasEmptyDataSection() =>
        Assert.Equal("005375a000", Convert.ToHexStringLower(new OutgoingMessage().ToArray()));

    private static MessageSections Read(byte[] message, SectionOrder order = SectionOrder.Strict)
    {
        Assert.True(MessageSections.TryRead(message, order, out var sections, out var problem), problem.Text);
        return sections;
    }

    private static MessageProblem Refused(byte[] message, SectionOrder order)
    {
        Assert.False(MessageSections.TryRead(message, order, out _, out var problem));
        Assert.NotEmpty(problem.Text);
        return problem;
    }

    private static List<string> Payloads(MessageSections sections)
    {
        var payloads = new List<string>();
        foreach (var payload in sections.Data)
            payloads.Add(Convert.ToHexStringLower(payload.Span));
        return payloads;
    }
}
