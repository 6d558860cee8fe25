using System.Globalization;
using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Kafka.Tests;

/// <summary>Events in a topic of librdkafka's mock cluster; no broker of Apache's was ever asked.</summary>
public sealed class KafkaSinkTests : IDisposable
{
    private readonly MockKafka _kafka = new(brokers: 3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _kafka.Dispose();

    [Fact]
    public async Task Events_OfSeveralDevices_StandInOrderUnderTheirKeys()
    {
        _kafka.CreateTopic("telemetry");
        await using var sink = Sink("telemetry");
        Assert.Equal(SinkResult.Done(), await sink.OpenAsync(null, Cancellation));
        var events = Enumerable.Range(0, 600).Select(static i => Event($"device-{i % 7}", i)).ToArray();
        foreach (var batch in events.Chunk(200))
            Assert.Equal(SinkResult.Done(200), await sink.DeliverAsync(batch, "b", Cancellation));

        var records = _kafka.Read("telemetry", 600);
        Assert.Equal(600, records.Count);
        foreach (var device in records.GroupBy(static r => Encoding.UTF8.GetString(r.Message.Key)))
        {
            Assert.Single(device.Select(static r => r.Partition.Value).Distinct());
            var numbers = device.Select(static r => int.Parse(r.Message.Value, CultureInfo.InvariantCulture)).ToArray();
            Assert.Equal(Enumerable.Range(0, 600).Where(i => $"device-{i % 7}" == device.Key), numbers);
        }
        Assert.True(records.Select(static r => r.Partition.Value).Distinct().Count() > 1);
    }

    [Fact]
    public async Task Record_OfAnEvent_HasItsPropertiesAsHeaders()
    {
        _kafka.CreateTopic("telemetry");
        await using var sink = Sink("telemetry");
        var properties = new Properties { ContentType = "application/json", MessageId = AmqpValue.From("m1") };
        var application = new AmqpMapBuilder(MapKeyKind.String)
            .Add("level", "high").Add("n", 5).Add("iothub-connection-device-id", "other").Add("Content-Type", "x")
            .Build();
        var message = new OutgoingMessage
        {
            Properties = properties,
            ApplicationProperties = application,
            Data = "{}"u8.ToArray(),
        };
        Assert.Equal(SinkResult.Done(1), await sink.DeliverAsync(
            new[] { Event("press", 3) with { Sections = message.ToArray() } }, "b", Cancellation));

        var record = Assert.Single(_kafka.Read("telemetry", 1));
        Assert.Equal(1_777_623_045_678, record.Message.Timestamp.UnixTimestampMs);
        var headers = record.Message.Headers.Select(static h => $"{h.Key}={Encoding.UTF8.GetString(h.GetValueBytes())}");
        Assert.Equal(
            [
                "Content-Type=x", "content-type=application/json", "hubbub-endpoint=factory", "hubbub-sequence-number=3",
                "iothub-connection-device-id=press", "level=high", "message-id=m1", "n=5",
            ],
            headers.Select(static h => h.Replace("property.Content-Type", "Content-Type", StringComparison.Ordinal))
                .Where(static h => !h.StartsWith("property.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains("property.iothub-connection-device-id=other", headers);
        Assert.Contains("property.Content-Type=x", headers);
    }

    [Fact]
    public async Task Event_ThatIsTooLarge_IsRefusedAlone()
    {
        _kafka.CreateTopic("telemetry");
        await using var sink = Sink("telemetry");
        StoredEvent[] events = [Event("d", 0), Event("d", 1), Event("d", 2, 2_000_000), Event("d", 3)];
        var result = await sink.DeliverAsync(events, "b", Cancellation);
        Assert.Equal((SinkFailure.Refused, 2, 1), (result.Failure, result.Delivered, result.RefusedCount));
        Assert.Contains("MsgSizeTooLarge", result.Reason, StringComparison.Ordinal);
        Assert.Equal(SinkResult.Done(1), await sink.DeliverAsync(events.AsMemory(3), "b", Cancellation));
    }

    [Fact]
    public async Task Brokers_ThatAreNotThere_AreTriedAgain()
    {
        await using var sink = new KafkaSink("factory", new KafkaOptions
        {
            BootstrapServers = "127.0.0.1:1",
            Topic = "telemetry",
            Timeout = TimeSpan.FromSeconds(1),
        });
        Assert.Equal(SinkResult.Done(), await sink.OpenAsync(null, Cancellation));
        var result = await sink.DeliverAsync(new[] { Event("d", 0), Event("d", 1) }, "b", Cancellation);
        Assert.Equal((SinkFailure.Transient, 0), (result.Failure, result.Delivered));
        Assert.False(string.IsNullOrEmpty(result.Reason));
    }

    [Fact]
    public async Task ClientsError_OfBeforeASuccess_ExplainsNoLaterFailure()
    {
        _kafka.CreateTopic("telemetry");
        await using var sink = Sink("telemetry");
        sink.LastError = "broker 1 is down";

        Assert.Equal(SinkResult.Done(1), await sink.DeliverAsync(new[] { Event("d", 0) }, "b", Cancellation));

        Assert.Null(sink.LastError);
    }

    [Fact]
    public async Task Certificates_ThatAreNone_AreSaidAndTriedAgain()
    {
        await using var sink = new KafkaSink("factory", new KafkaOptions
        {
            BootstrapServers = "localhost:1",
            Topic = "telemetry",
            UsesTls = true,
            CaCertificates = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        });
        var result = await sink.OpenAsync(null, Cancellation);
        Assert.Equal(SinkFailure.Transient, result.Failure);
        Assert.StartsWith("The Kafka client cannot start", result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("broker:9092", "t", null, null, true)]
    [InlineData("a:1,b.example:65535,[::1]:9", "a.b_c-D9", null, null, true)]
    [InlineData("", "t", null, null, false)]
    [InlineData("broker", "t", null, null, false)]
    [InlineData("broker:0", "t", null, null, false)]
    [InlineData("broker:9092,", "t", null, null, false)]
    [InlineData("ssl://broker:9092", "t", null, null, false)]
    [InlineData("broker:9092", "", null, null, false)]
    [InlineData("broker:9092", "..", null, null, false)]
    [InlineData("broker:9092", "a b", null, null, false)]
    [InlineData("broker:9092", "t", "user", null, false)]
    [InlineData("broker:9092", "t", "user", "password", false)]
    public void Options_ThatCannotWork_AreRefused(string servers, string topic, string? user, string? password, bool isValid)
    {
        var options = new KafkaOptions
        {
            BootstrapServers = servers,
            Topic = topic,
            UserName = user,
            Password = password is null ? null : new SecretText(password),
        };
        Assert.Equal(isValid, options.Validate(new SinkPolicy { FileDirectory = "/nowhere" }) is null);
        Assert.DoesNotContain("Password = password", options.ToString(), StringComparison.Ordinal);
    }

    private KafkaSink Sink(string topic) =>
        new("factory", new KafkaOptions { BootstrapServers = _kafka.BootstrapServers, Topic = topic });

    private static StoredEvent Event(string device, int number, int size = 0)
    {
        using var stamp = new ByteBuffer();
        var writer = new AmqpWriter(stamp);
        writer.WriteSymbol("iothub-connection-device-id");
        writer.WriteString(device);
        var body = Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture).PadLeft(size, '0'));
        return new StoredEvent
        {
            SequenceNumber = number,
            EnqueuedTimeMs = 1_777_623_045_678,
            Stamp = stamp.WrittenSpan.ToArray(),
            Annotations = default,
            AnnotationCount = 2,
            Sections = new OutgoingMessage { Data = body }.ToArray(),
        };
    }
}
