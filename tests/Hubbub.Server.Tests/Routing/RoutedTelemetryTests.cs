using System.Text;
using System.Text.Json;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Json;
using Hubbub.Server.Routing;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Routing;

/// <summary>What becomes of a device's messages when there are routes, as its link and readers see it.</summary>
public sealed class RoutedTelemetryTests
{
    [Fact]
    public async Task Message_GoesToEachEndpointThatWantsItOnce()
    {
        await using var hub = await StartAsync("""
            {"endpoints":[{"name":"alerts","type":"stream","partitions":2},{"name":"all","type":"stream","partitions":1}],
             "routes":[{"name":"a","condition":"level = 'high'","endpoint":"alerts"},
                       {"name":"b","condition":"$body.t > 30","endpoint":"alerts"},
                       {"name":"c","endpoint":"all"}]}
            """);
        var link = await TelemetryAsync(hub);

        await AcceptedAsync(link, Message("1", "slow", "text/plain"));
        await AcceptedAsync(link, Message("2", "high", "text/plain"));
        await AcceptedAsync(link, Message("""{"t":31,"n":3}""", "high", "application/json"));
        await AcceptedAsync(link, Message("""{"t":32,"n":4}""", "slow", "application/json"));

        Assert.Equal(["2", """{"t":31,"n":3}""", """{"t":32,"n":4}"""], await ReadAsync(hub, "alerts", 3));
        Assert.Equal(["1", "2", """{"t":31,"n":3}""", """{"t":32,"n":4}"""], await ReadAsync(hub, "all", 4));
        Assert.True(hub.Events.Log.Partitions.All(static p => p.State.IsEmpty));
    }

    [Fact]
    public async Task Message_ThatNoRouteWants_GoesByTheFallbackOrIsDroppedAndCounted()
    {
        await using var hub = await StartAsync("""
            {"endpoints":[{"name":"alerts","type":"stream","partitions":1}],
             "routes":[{"name":"a","condition":"level = 'high'","endpoint":"alerts"}]}
            """);
        var link = await TelemetryAsync(hub);
        await AcceptedAsync(link, Message("to events", "slow"));

        await ChangeAsync(hub, static c => c with { Fallback = new FallbackRoute(IsEnabled: false) });
        await AcceptedAsync(link, Message("dropped", "slow"));
        await ChangeAsync(hub, static c => c with { Fallback = new FallbackRoute("alerts") });
        await AcceptedAsync(link, Message("to alerts", "slow"));

        Assert.Equal(["to alerts"], await ReadAsync(hub, "alerts", 1));
        Assert.Equal(1, hub.Events.Log.Partitions.Sum(static p => p.State.LastSequenceNumber + 1));
    }

    [Fact]
    public async Task Change_TakesEffectOnOpenLinks_AndRemovedEndpointsAreGone()
    {
        await using var hub = await StartAsync("""{"endpoints":[],"routes":[]}""");
        var link = await TelemetryAsync(hub);
        await AcceptedAsync(link, Message("before", "high"));

        await ApplyAsync(hub, """
            {"endpoints":[{"name":"alerts","type":"stream","partitions":1}],"routes":[{"name":"a","endpoint":"alerts"}]}
            """);
        await AcceptedAsync(link, Message("between", "high"));
        var reader = await ReaderAsync(hub, "alerts");
        Assert.Equal("between", (await reader.ReceiveAsync()).Text);
        await ApplyAsync(hub, "{}");
        await AcceptedAsync(link, Message("after", "high"));

        Assert.Equal(ErrorCondition.NotFound, (await reader.DetachedAsync())!.Condition.Value);
        Assert.Equal(2, hub.Events.Log.Partitions.Sum(static p => p.State.LastSequenceNumber + 1));
        var refused = await (await hub.ConnectServiceAsync()).ReceiverAsync("alerts/ConsumerGroups/$Default/Partitions/0");
        Assert.Equal(ErrorCondition.NotFound, refused.Refusal!.Condition.Value);
    }

    [Fact]
    public async Task Batch_IsTakenApartAndEachMessageGoesItsWay()
    {
        await using var hub = await StartAsync("""
            {"endpoints":[{"name":"alerts","type":"stream","partitions":1}],
             "routes":[{"name":"a","condition":"level = 'high'","endpoint":"alerts"}]}
            """);
        var link = await TelemetryAsync(hub);
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        foreach (var (text, level) in new[] { ("1", "high"), ("2", "slow"), ("3", "high") })
            writer.WriteDataSection(Message(text, level));

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(buffer.WrittenSpan.ToArray(), MessageFormats.Batch));

        Assert.Equal(["1", "3"], await ReadAsync(hub, "alerts", 2));
        Assert.Equal(1, hub.Events.Log.Partitions.Sum(static p => p.State.LastSequenceNumber + 1));
    }

    [Fact]
    public async Task Enrichment_IsAddedOnTheWayToItsEndpointsOnly_AndWins()
    {
        await using var hub = await StartAsync("""
            {"endpoints":[{"name":"alerts","type":"stream","partitions":1},{"name":"all","type":"stream","partitions":1}],
             "routes":[{"name":"a","endpoint":"alerts"},{"name":"b","endpoint":"all"}],
             "enrichments":[{"key":"hub","value":"$iothubname","endpoints":["alerts"]},
                            {"key":"level","value":"set","endpoints":["alerts"]},
                            {"key":"site","value":"$twin.tags.site","endpoints":["alerts"]}]}
            """);
        var link = await TelemetryAsync(hub);

        await AcceptedAsync(link, Message("1", "high"));
        await AcceptedAsync(link, Values.Message("bare"));

        var alerts = await ReaderAsync(hub, "alerts");
        foreach (var text in new[] { "1", "bare" })
        {
            var message = await alerts.ReceiveAsync();
            Assert.Equal(text, message.Text);
            var properties = message.Sections.ApplicationProperties!.Value;
            Assert.Equal(
                ("hub1", "set", "$twin.tags.site"),
                (Text(properties, "hub"), Text(properties, "level"), Text(properties, "site")));
            Assert.Equal(3, properties.Count);
        }
        var plain = await (await ReaderAsync(hub, "all")).ReceiveAsync();
        Assert.Equal("high", Text(plain.Sections.ApplicationProperties!.Value, "level"));
    }

    [Fact]
    public async Task Streams_AreReadWithTokensOfTheirOwnOrOfTheWholeHub()
    {
        await using var hub = await StartAsync("""
            {"endpoints":[{"name":"alerts","type":"stream","partitions":1},{"name":"other","type":"stream","partitions":1}]}
            """);

        foreach (var (scope, isLetIn) in new[]
                 {
                     ("/alerts", true), ("/ALERTS", true), ("/alerts/ConsumerGroups/$Default", true), ("", true),
                     ("/other", false), ("/messages/events", false), ("/messages", false), ("/alerts2", false),
                 })
        {
            var session = await hub.ConnectBareAsync();
            var cbs = await session.CbsAsync();
            await cbs.PutAsync(hub.PolicyToken("service", scope));
            var link = await session.ReceiverAsync("alerts/ConsumerGroups/$Default/Partitions/0");
            Assert.True((link.Refusal is null) == isLetIn, $"{scope}: {link.Refusal?.Condition}");
        }
    }

    [Fact]
    public async Task Management_DescribesEveryStream()
    {
        await using var hub = await StartAsync("""{"endpoints":[{"name":"alerts","type":"stream","partitions":3}]}""");
        var session = await hub.ConnectServiceAsync();
        var cbs = new CbsPeer(await session.SenderAsync("alerts/$management"), await session.ReceiverAsync("alerts/$management"));
        await cbs.Replies.CreditAsync(10);

        var reply = await cbs.SendAsync(new OutgoingMessage
        {
            Properties = new Properties { MessageId = "1".ToValue() },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("operation", "READ").Add("type", "com.microsoft:eventhub").Add("name", "alerts").Build(),
            Data = Array.Empty<byte>(),
        });

        Assert.Equal(200, reply.Status);
        Assert.True(reply.Message.Sections.Value!.Value.TryGetMap(out var body));
        Assert.True(body.TryGet("partition_count", out var count) && count.TryGetInt32(out var partitions) && partitions == 3);
    }

    [Fact]
    public async Task Properties_OfEveryAmqpType_AreTexts()
    {
        await using var hub = await StartAsync("""
            {"endpoints":[{"name":"s","type":"stream","partitions":1}],
             "fallback":{"enabled":false},
             "routes":[{"name":"a","endpoint":"s","condition":"
            """
            + "n = '5' and b = 'true' and d = '2.5' and as_number(n) > 4 and l = '-7' and z = '' and not is_defined(bin) "
            + "and is_null(nil) and t = '2026-01-02T03:04:05.0000000Z' and g = '00010203-0405-0607-0809-0a0b0c0d0e0f' "
            + "and $messageId = '77' and $userId = 'me' and $connectionDeviceId = 'd1' and $messageSource = 'Telemetry' "
            + "and $dt-subject = 'sub' and $enqueuedTime > '2026'\"}]}");
        var link = await TelemetryAsync(hub);

        await AcceptedAsync(link, new OutgoingMessage
        {
            MessageAnnotations = new AmqpMapBuilder().Add("dt-subject", "sub").Build(),
            Properties = new Properties { MessageId = AmqpValue.From(77UL), UserId = Encoding.UTF8.GetBytes("me") },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("n", 5).Add("b", true).Add("d", AmqpValue.From(2.5)).Add("l", AmqpValue.From(-7L)).Add("z", "")
                .Add("bin", AmqpValue.From(new byte[] { 1 })).Add("nil", default(AmqpValue))
                .Add("t", AmqpValue.From(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)))
                .Add("g", AmqpValue.From(new Guid("00010203-0405-0607-0809-0a0b0c0d0e0f"))).Build(),
            Data = "x"u8.ToArray(),
        }.ToArray());

        Assert.Equal(["x"], await ReadAsync(hub, "s", 1));
        // A trial with the stored event must say the same as the routes said when it came.
        var trial = Assert.Single(RouteTrial.OfNewest(
            hub.Routing.Registry.Table.Configuration, hub.Routing.Entities.Find("s")!.Log, 1, hub.Time));
        Assert.Equal(["s"], trial.Endpoints);
    }

    [Fact]
    public async Task Bodies_InEveryEncodingOfUnicode_AreLookedInto()
    {
        await using var hub = await StartAsync("""
            {"endpoints":[{"name":"s","type":"stream","partitions":1}],
             "routes":[{"name":"a","endpoint":"s","condition":"$body.ü = 'ö'"}]}
            """);
        var link = await TelemetryAsync(hub);
        (string Name, Encoding Encoding)[] encodings =
        [
            ("utf-8", new UTF8Encoding(false)), ("utf-8", new UTF8Encoding(true)),
            ("utf-16", new UnicodeEncoding(false, false)), ("utf-16", new UnicodeEncoding(false, true)),
            ("utf-16", new UnicodeEncoding(true, true)),
            ("utf-32", new UTF32Encoding(false, false)), ("utf-32", new UTF32Encoding(false, true)),
            ("utf-32", new UTF32Encoding(true, true)),
        ];

        foreach (var (name, encoding) in encodings)
        {
            await AcceptedAsync(link, new OutgoingMessage
            {
                Properties = new Properties { ContentType = "application/json", ContentEncoding = name },
                Data = (byte[])[.. encoding.GetPreamble(), .. encoding.GetBytes("{\"ü\":\"ö\"}")],
            }.ToArray());
        }

        Assert.Equal(encodings.Length - 1, hub.Routing.Entities.Find("s")!.Log.Partitions[0].State.LastSequenceNumber);
    }

    private static string Text(AmqpMap properties, string name) =>
        properties.TryGet(name, out var value) ? Values.TextOf(value) : "";

    private static byte[] Message(string body, string level, string contentType = "text/plain") => new OutgoingMessage
    {
        Properties = new Properties { ContentType = contentType, ContentEncoding = "utf-8" },
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("level", level).Build(),
        Data = Encoding.UTF8.GetBytes(body),
    }.ToArray();

    private static async Task<TestHub> StartAsync(string routing)
    {
        var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        await ApplyAsync(hub, routing);
        return hub;
    }

    private static Task ApplyAsync(TestHub hub, string routing) => ChangeAsync(
        hub, current => RoutingJson.Read(JsonDocument.Parse(routing).RootElement, current, hub.Time.GetUtcNow()).Value);

    private static async Task ChangeAsync(TestHub hub, Func<RoutingConfiguration, RoutingConfiguration> change)
    {
        var changed = await hub.Routing.Registry.ChangeAsync(c => change(c), TestContext.Current.CancellationToken);
        Assert.Null(changed.Error);
    }

    private static async Task<PeerLink> TelemetryAsync(TestHub hub) =>
        await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");

    private static async Task AcceptedAsync(PeerLink link, byte[] message) =>
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(message));

    private static async Task<PeerLink> ReaderAsync(TestHub hub, string entity)
    {
        var entityOf = hub.Routing.Entities.Find(entity)!;
        var partition = entityOf.Log.Partitions.Single(static p => !p.State.IsEmpty).Id;
        var link = await (await hub.ConnectServiceAsync()).ReceiverAsync($"{entity}/ConsumerGroups/$Default/Partitions/{partition}");
        Assert.Null(link.Refusal);
        await link.CreditAsync(100);
        return link;
    }

    private static async Task<string[]> ReadAsync(TestHub hub, string entity, int count) =>
        [.. (await (await ReaderAsync(hub, entity)).ReceiveAsync(count)).Select(static m => m.Text)];
}
