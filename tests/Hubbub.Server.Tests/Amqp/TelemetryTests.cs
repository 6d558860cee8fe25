using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Events;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>What a device sends and what a service then reads.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task Message_IsReadWithTheHubsAnnotationsAndTheirTypes()
    {
        await using var hub = await TestHub.StartAsync();
        var device = await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        var sentAt = hub.Time.GetUtcNow();

        await link.SendAndWaitAsync(Values.Message("hello"));
        var read = await ReadOneAsync(hub, "d1");

        Assert.Equal("hello", read.Text);
        var annotations = Annotations(read);
        Assert.All(annotations.Keys, key => Assert.StartsWith("Symbol ", key, StringComparison.Ordinal));
        Assert.Equal(
            new Dictionary<string, AmqpValue>
            {
                // A long, if not in its most compact form: see below.
                ["Symbol x-opt-sequence-number"] = read.Annotation("x-opt-sequence-number"),
                ["Symbol x-opt-offset"] = read.Annotation("x-opt-offset"),
                ["Symbol x-opt-enqueued-time"] = AmqpValue.From(sentAt),
                ["Symbol iothub-enqueuedtime"] = AmqpValue.From(sentAt),
                ["Symbol iothub-connection-device-id"] = "d1".ToValue(),
                ["Symbol iothub-connection-auth-generation-id"] = device.GenerationId.ToValue(),
                ["Symbol iothub-connection-auth-method"] =
                    """{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}""".ToValue(),
                ["Symbol iothub-message-source"] = "Telemetry".ToValue(),
            }.Select(Comparable).Order(),
            annotations.Select(Comparable).Order());
        Assert.Equal((AmqpKind.Long, 0L), (read.Annotation("x-opt-sequence-number").Kind, read.SequenceNumber));
        Assert.Matches("^[0-9]+$", Values.TextOf(read.Annotation("x-opt-offset")));
        Assert.True(read.Transfer.Settled);
        Assert.Equal(0u, read.Transfer.MessageFormat);
        Assert.NotNull(read.Transfer.DeliveryTag);
    }

    [Fact]
    public async Task Module_AndModelId_AreAnnotatedToo()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var module = await hub.CreateModuleAsync("d1", "m1");
        var session = await hub.ConnectPlainAsync("d1/modules/m1@sas.hub1", hub.ModuleToken("d1", "m1"));
        var link = await session.AttachAsync(new Attach
        {
            Name = "m",
            Handle = session.NewHandle(),
            Role = Role.Sender,
            Source = new Source(),
            Target = new Target { Address = "/devices/d1/modules/m1/messages/events".ToValue() },
            InitialDeliveryCount = 0,
            Properties = new AmqpMapBuilder().Add("com.microsoft:model-id", "dtmi:com:example:Thermostat;1").Build(),
        });

        await link.SendAndWaitAsync(Values.Message("x"));
        var read = await ReadOneAsync(hub, "d1");

        Assert.Equal("d1", Values.TextOf(read.Annotation("iothub-connection-device-id")));
        Assert.Equal("m1", Values.TextOf(read.Annotation("iothub-connection-module-id")));
        Assert.Equal(module.GenerationId, Values.TextOf(read.Annotation("iothub-connection-auth-generation-id")));
        Assert.Contains("\"module\"", Values.TextOf(read.Annotation("iothub-connection-auth-method")), StringComparison.Ordinal);
        Assert.Equal("dtmi:com:example:Thermostat;1", Values.TextOf(read.Annotation("dt-dataschema")));
    }

    [Fact]
    public async Task Policy_ActingForADevice_SaysScopeHub()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectServiceAsync("device")).TelemetryAsync("d1");

        await link.SendAndWaitAsync(Values.Message("x"));

        var read = await ReadOneAsync(hub, "d1");
        Assert.Contains("\"hub\"", Values.TextOf(read.Annotation("iothub-connection-auth-method")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Annotations_ReservedOnesAreTheHubsAndTheOthersAreKept()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        var kept = new (string Key, AmqpValue Value)[]
        {
            ("dt-subject", "component".ToValue()),
            ("iothub-interface-id", "urn:x".ToValue()),
            ("Diagnostic-Id", "00-1".ToValue()),
            ("a-long", AmqpValue.From(-5L)),
            ("a-map", AmqpValue.From(new AmqpMapBuilder().Add("k", true).Build())),
            ("x-op", AmqpValue.From(1)),
        };
        string[] forged =
        [
            "x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time", "x-opt-partition-key", "x-opt-anything",
            "iothub-connection-device-id", "iothub-connection-module-id", "iothub-connection-auth-method",
            "iothub-connection-anything", "iothub-enqueuedtime", "iothub-message-source", "dt-dataschema",
        ];

        await link.SendAndWaitAsync(WithAnnotations(w =>
        {
            foreach (var (key, value) in kept)
                w.Add(MapKeyKind.Symbol, key, value);
            foreach (var key in forged)
                w.Add(MapKeyKind.Symbol, key, "forged".ToValue());
            foreach (var key in forged)
                w.Add(MapKeyKind.String, key, "forged".ToValue());
            w.Add(MapKeyKind.String, "text-key", "kept".ToValue());
        }));
        var read = await ReadOneAsync(hub, "d1");

        foreach (var (key, value) in kept)
            Assert.Equal(value, read.Annotation(key));
        Assert.Equal("kept", Values.TextOf(read.Annotation("text-key")));
        Assert.DoesNotContain(Annotations(read).Values, value => value == "forged".ToValue());
        Assert.Equal("d1", Values.TextOf(read.Annotation("iothub-connection-device-id")));
        Assert.True(read.Annotation("x-opt-partition-key").IsNull);
    }

    [Fact]
    public async Task PropertiesApplicationPropertiesAndBody_AreReadByteForByte()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        var sent = new OutgoingMessage
        {
            Header = new Header { Durable = true, Priority = 7 },
            DeliveryAnnotations = new AmqpMapBuilder().Add("hop", 1).Build(),
            Properties = new Properties
            {
                MessageId = AmqpValue.From(Guid.NewGuid()),
                UserId = new byte[] { 1, 2 },
                To = "/devices/d1/messages/events".ToValue(),
                CorrelationId = AmqpValue.From(9UL),
                ContentType = "application/json",
                ContentEncoding = "utf-8",
                AbsoluteExpiryTime = hub.Time.GetUtcNow(),
                GroupId = "g",
            },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("s", "täxt").Add("i", 5).Add("d", AmqpValue.From(1.5)).Add("b", true)
                .Add("iothub-creation-time-utc", "2026-01-02T03:04:05.1234567Z").Add("n", (string?)null).Build(),
            Data = "{}"u8.ToArray(),
        }.ToArray();

        await link.SendAndWaitAsync(sent);
        var read = (await ReadOneAsync(hub, "d1")).Sections;

        Assert.True(MessageSections.TryRead(sent, SectionOrder.Strict, out var original, out _));
        Assert.Equal(original.PropertiesSection.ToArray(), read.PropertiesSection.ToArray());
        Assert.Equal(original.ApplicationPropertiesSection.ToArray(), read.ApplicationPropertiesSection.ToArray());
        Assert.Equal(original.BodySections.ToArray(), read.BodySections.ToArray());
        Assert.True(read.HeaderSection.IsEmpty);
        Assert.True(read.DeliveryAnnotationsSection.IsEmpty);
    }

    [Theory]
    [InlineData("amqp-value text")]
    [InlineData("amqp-value map")]
    [InlineData("amqp-sequence")]
    [InlineData("two data sections")]
    [InlineData("empty data")]
    [InlineData("footer")]
    public async Task Body_OfAnyKind_IsReadAsItWasSent(string kind)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        byte[] body = kind switch
        {
            "amqp-value text" => new OutgoingMessage { Value = "text".ToValue() }.ToArray(),
            "amqp-value map" => new OutgoingMessage { Value = AmqpValue.From(new AmqpMapBuilder().Add("a", 1).Build()) }.ToArray(),
            "amqp-sequence" => [0x00, 0x53, 0x76, 0xc0, 3, 1, 0x54, 5],
            "two data sections" => [.. Values.Message("one"), .. Values.Message("two")],
            "empty data" => Values.Message(""),
            _ => [.. Values.Message("x"), 0x00, 0x53, 0x78, 0xc1, 1, 0],
        };

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(body));
        var read = (await ReadOneAsync(hub, "d1")).Sections;

        Assert.Equal(kind == "footer" ? Values.Message("x") : body, read.BodySections.ToArray());
    }

    [Fact]
    public async Task Body_LeftOut_IsReadAsEmptyData()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        var whole = new OutgoingMessage { Properties = new Properties { MessageId = "m".ToValue() } }.ToArray();
        var properties = whole[..^Values.Message("").Length];

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(properties));

        var read = await ReadOneAsync(hub, "d1");
        Assert.Empty(read.Data);
        Assert.Equal(BodyKind.Data, read.Sections.Body);
        Assert.Equal(properties, read.Sections.PropertiesSection.ToArray());
    }

    [Fact]
    public async Task PreSettled_IsStoredWithoutADispositionAndCreditComesBack()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");
        var reader = await (await hub.ConnectServiceAsync()).ReaderAsync(hub, PartitionOf(hub, "d1"), credit: 10_000);

        // Half again as many as the credit: the rest is only allowed because credit comes back.
        for (var i = 0; i < 3; i++)
        {
            for (var j = 0; j < 1_000; j++)
                await link.SendAsync(Values.Message($"{i}.{j}"), settled: true, tag: []);
            await reader.ReceiveAsync(1_000);
            await session.PingAsync();
        }

        Assert.False(link.IsDetached);
        Assert.DoesNotContain(session.Peer.Inbox, f => f.Performative is Disposition);
    }

    [Fact]
    public async Task Credit_IsReplenished_AsOutcomesAreTold()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");

        for (var round = 0; round < 5; round++)
        {
            uint last = 0;
            for (var i = 0; i < 1_000; i++)
                last = await link.SendAsync(Values.Message("x"));
            Assert.IsType<Accepted>(await link.OutcomeAsync(last));
        }

        Assert.False(link.IsDetached);
        var flow = await session.Peer.NextAsync<Flow>(f => f.Handle == link.Reply.Handle && f.LinkCredit > 0);
        Assert.True(flow.LinkCredit >= 1_000);
    }

    [Fact]
    public async Task Accepted_IsToldInRangesThatCoverEachDeliveryOnce()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");

        for (var i = 0; i < 500; i++)
            await link.SendAsync(Values.Message("x"));
        await link.OutcomeAsync(499);

        var told = session.Peer.Inbox.Select(f => f.Performative).OfType<Disposition>()
            .SelectMany(d => Enumerable.Range((int)d.First, (int)((d.Last ?? d.First) - d.First) + 1)).ToArray();
        Assert.Equal(Enumerable.Range(0, 500), told);
    }

    [Fact]
    public async Task Order_OfEachDevice_IsKeptInThePartitionOfItsHash()
    {
        const int Devices = 8, Messages = 50;
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Devices).Select(d => hub.CreateDeviceAsync($"device{d}")));
        var service = await hub.ConnectServiceAsync();
        await Task.WhenAll(Enumerable.Range(0, Devices).Select(async d =>
        {
            var link = await (await hub.ConnectDeviceAsync($"device{d}")).TelemetryAsync($"device{d}");
            uint last = 0;
            for (var i = 0; i < Messages; i++)
                last = await link.SendAsync(Values.Message($"{i}"));
            await link.OutcomeAsync(last);
        }));

        var next = new Dictionary<string, int>();
        for (var partition = 0; partition < 4; partition++)
        {
            var count = (int)hub.Events.Log.Partitions[partition].State.LastSequenceNumber + 1;
            if (count == 0)
                continue;
            var reader = await service.ReaderAsync(hub, partition);
            foreach (var (read, index) in (await reader.ReceiveAsync(count)).Select((r, i) => (r, i)))
            {
                var device = Values.TextOf(read.Annotation("iothub-connection-device-id"));
                Assert.Equal(partition, PartitionHash.PartitionOf(device, 4));
                Assert.Equal(index, read.SequenceNumber);
                Assert.Equal(next.GetValueOrDefault(device).ToString(), read.Text);
                next[device] = next.GetValueOrDefault(device) + 1;
            }
        }
        Assert.Equal(Devices, next.Count(pair => pair.Value == Messages));
    }

    internal static int PartitionOf(TestHub hub, string deviceId) =>
        PartitionHash.PartitionOf(deviceId, hub.Events.Log.Partitions.Count);

    internal static async Task<ReceivedMessage> ReadOneAsync(TestHub hub, string deviceId) =>
        await (await (await hub.ConnectServiceAsync()).ReaderAsync(hub, PartitionOf(hub, deviceId))).ReceiveAsync();

    private static Dictionary<string, AmqpValue> Annotations(ReceivedMessage read) =>
        read.Sections.MessageAnnotations!.Value.ToDictionary(e => $"{e.Key.Kind} {Values.TextOf(e.Key)}", e => e.Value);

    private static string Comparable(KeyValuePair<string, AmqpValue> pair) =>
        $"{pair.Key} = {Convert.ToHexString(pair.Value.Encoded.Span)}";

    private static byte[] WithAnnotations(Action<MixedMap> fill)
    {
        var map = new MixedMap();
        fill(map);
        return [.. map.ToSection(), .. Values.Message("x")];
    }

    /// <summary>An annotations section whose keys are of either kind.</summary>
    private sealed class MixedMap
    {
        private readonly List<(MapKeyKind Kind, string Key, AmqpValue Value)> _entries = [];

        public void Add(MapKeyKind kind, string key, AmqpValue value) => _entries.Add((kind, key, value));

        public byte[] ToSection()
        {
            using var buffer = new ByteBuffer();
            var writer = new AmqpWriter(buffer);
            var mark = writer.BeginMessageAnnotations();
            foreach (var (kind, key, value) in _entries)
            {
                if (kind == MapKeyKind.Symbol)
                    writer.WriteSymbol(key);
                else
                    writer.WriteString(key);
                writer.WriteValue(value);
            }
            writer.EndMap(mark, _entries.Count * 2);
            return buffer.WrittenSpan.ToArray();
        }
    }
}
