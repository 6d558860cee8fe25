using System.Text;
using System.Text.Json;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Routing.Sinks;

namespace Hubbub.Server.Tests.Routing.Sinks;

/// <summary>Events as JSON.</summary>
public sealed class EventJsonTests
{
    [Fact]
    public void Event_OfADevice_HasTheShapeOfTheService()
    {
        var properties = new Properties
        {
            MessageId = AmqpValue.From("m-1"),
            CorrelationId = AmqpValue.From(77ul),
            UserId = "operator"u8.ToArray(),
            ContentType = "application/json",
            ContentEncoding = "utf-8",
        };
        var application = StoredEvents.Map(
            ("level", AmqpValue.From("storage")), ("n", AmqpValue.From(-5)), ("ok", AmqpValue.From(true)),
            ("x", AmqpValue.From(1.5)), ("ä\"", AmqpValue.From("ö\\")), ("none", default));
        var line = Line(StoredEvents.Make("{\"t\": 21.50}", 12, properties, application));
        Assert.Equal(
            """
            {"EnqueuedTimeUtc":"2026-05-01T08:10:45.6900000Z",
            "Properties":{"level":"storage","n":"-5","ok":"true","x":"1.5","ä\"":"ö\\","none":null},
            "SystemProperties":{"sequenceNumber":12,"enqueuedTime":"2026-05-01T08:10:45.6900000Z",
            "connectionDeviceId":"press-1","connectionModuleId":"m1","connectionDeviceGenerationId":"gen1",
            "connectionAuthMethod":"{\"scope\":\"device\"}","iothub-message-source":"Telemetry",
            "messageId":"m-1","userId":"operator","correlationId":"77",
            "contentType":"application/json","contentEncoding":"utf-8"},
            "Body":{"t": 21.50}}
            """.ReplaceLineEndings("") + "\n",
            line);
    }

    [Theory]
    [InlineData("application/json", "utf-8", true)]
    [InlineData("APPLICATION/JSON", "UTF-8", true)]
    [InlineData("application/json; charset=utf-8", null, true)]
    [InlineData("application/json;charset=\"UTF-8\"", "", true)]
    [InlineData("application/json;profile=x", "utf-8", true)]
    [InlineData("application/json", null, false)]
    [InlineData("application/json", "utf-16", false)]
    [InlineData("application/json;charset=utf-16", null, false)]
    [InlineData("application/json;charset=utf-8", "gzip", false)]
    [InlineData("application/jsonp", "utf-8", false)]
    [InlineData("text/plain", "utf-8", false)]
    [InlineData(null, "utf-8", false)]
    public void Body_IsJson_OnlyWhenItIsSaidToBe(string? type, string? encoding, bool isJson)
    {
        var properties = new Properties
        {
            ContentType = type is null ? (Symbol?)null : new Symbol(type),
            ContentEncoding = encoding is null ? (Symbol?)null : new Symbol(encoding),
        };
        using var json = JsonDocument.Parse(Line(StoredEvents.Make("{\"a\":1}", 0, properties)));
        var body = json.RootElement.GetProperty("Body");
        Assert.Equal(isJson ? JsonValueKind.Object : JsonValueKind.String, body.ValueKind);
        if (!isJson)
            Assert.Equal("{\"a\":1}"u8, body.GetBytesFromBase64());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"a\":1},{\"b\":2}")]
    [InlineData("{\"a\":1}]")]
    [InlineData("{\"a\":\"\n\"}")]
    [InlineData("{'a':1}")]
    [InlineData("NaN")]
    [InlineData("{\"a\":1} // x")]
    [InlineData("\u0000{}")]
    public void Body_ThatOnlyPretendsToBeJson_SpoilsNothing(string text)
    {
        using var json = JsonDocument.Parse(Line(StoredEvents.Make(text, 0, StoredEvents.Json)));
        Assert.Equal(Encoding.UTF8.GetBytes(text), json.RootElement.GetProperty("Body").GetBytesFromBase64());
    }

    [Fact]
    public void Body_WithInvalidUtf8OrDepth_IsBase64()
    {
        byte[][] bodies = [[.. "{\"a\":\""u8, 0xc3, 0x28, .. "\"}"u8], [.. Enumerable.Repeat((byte)'[', 5000)]];
        foreach (var body in bodies)
        {
            var stored = StoredEvents.Make(new OutgoingMessage { Properties = StoredEvents.Json, Data = body });
            using var json = JsonDocument.Parse(Line(stored));
            Assert.Equal(body, json.RootElement.GetProperty("Body").GetBytesFromBase64());
        }
    }

    [Fact]
    public void Lines_OfPrettyPrintedBodies_AreOneEach()
    {
        using var json = new EventJson();
        json.WriteLines([
            StoredEvents.Make("{\r\n  \"a\": \"x\\ny\",\n\t\"b\": [1,\n2]\n}\n", 0, StoredEvents.Json),
            StoredEvents.Make("[]", 1, StoredEvents.Json),
        ]);
        var lines = Encoding.UTF8.GetString(json.Written.Span).Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal("", lines[2]);
        using var first = JsonDocument.Parse(lines[0]);
        Assert.Equal("x\ny", first.RootElement.GetProperty("Body").GetProperty("a").GetString());
        Assert.Equal(2, first.RootElement.GetProperty("Body").GetProperty("b")[1].GetInt32());
    }

    [Fact]
    public void Event_ThatCannotBeDecoded_IsAllBody()
    {
        var broken = StoredEvents.Make("x") with { Sections = new byte[] { 1, 2, 3 } };
        using var json = JsonDocument.Parse(Line(broken));
        Assert.Equal([1, 2, 3], json.RootElement.GetProperty("Body").GetBytesFromBase64());
        Assert.Equal("press-1", json.RootElement.GetProperty("SystemProperties").GetProperty("connectionDeviceId").GetString());
    }

    [Fact]
    public void Annotations_OfASender_CannotPassForTheHubsOwn()
    {
        var (pairs, count) = StoredEvents.Pairs(
            ("connectionDeviceId", AmqpValue.From("other")), ("ConnectionDeviceID", AmqpValue.From("other")),
            ("enqueuedTime", AmqpValue.From("never")), ("sequenceNumber", AmqpValue.From(0)),
            ("iothub-message-schema", AmqpValue.From("s")));
        var line = Line(StoredEvents.Make(new OutgoingMessage { Data = "x"u8.ToArray() }, 0, pairs, count));
        Assert.DoesNotContain("other", line, StringComparison.Ordinal);
        Assert.DoesNotContain("never", line, StringComparison.Ordinal);
        Assert.Contains("\"iothub-message-schema\":\"s\"", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Body_OfSeveralSectionsOrAValue_IsWhole()
    {
        byte[] parts = [0x00, 0x53, 0x75, 0xa0, 2, (byte)'{', (byte)'}', 0x00, 0x53, 0x75, 0xa0, 1, (byte)' '];
        var split = StoredEvents.Make("", 0) with { Sections = parts };
        using var json = JsonDocument.Parse(Line(split));
        Assert.Equal("{} "u8, json.RootElement.GetProperty("Body").GetBytesFromBase64());
        var text = new OutgoingMessage { Properties = StoredEvents.Json, Value = AmqpValue.From("{\"v\":1}") };
        Assert.EndsWith("\"Body\":{\"v\":1}}\n", Line(StoredEvents.Make(text)), StringComparison.Ordinal);
    }

    private static string Line(Hubbub.Core.Routing.Dispatch.StoredEvent stored)
    {
        using var json = new EventJson();
        json.WriteLines([stored]);
        return Encoding.UTF8.GetString(json.Written.Span);
    }
}
