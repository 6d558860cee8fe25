using System.Globalization;
using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

/// <summary>Things that many tests need.</summary>
internal static class Some
{
    /// <summary>Base64 of "the key of the device d1".</summary>
    public const string Key = "dGhlIGtleSBvZiB0aGUgZGV2aWNlIGQx";

    public const string Device = $"HostName=hub.example;DeviceId=d1;SharedAccessKey={Key}";

    public const string Service = $"HostName=hub.example;SharedAccessKeyName=service;SharedAccessKey={Key}";

    public const string EventHubs =
        $"Endpoint=sb://ns.example/;SharedAccessKeyName=service;SharedAccessKey={Key};EntityPath={FakeHub.EntityPath}";

    public static CancellationToken Patience => TestContext.Current.CancellationToken;

    public static DeviceClient DeviceOf(FakeHub hub, DeviceClientOptions? options = null) =>
        DeviceClient.CreateFromConnectionString(Device, (options ?? new()) with { Dial = hub.DialAsync });

    public static EventReader ReaderOf(
        FakeHub hub, string connectionString = EventHubs, EventReaderOptions? options = null) =>
        EventReader.CreateFromConnectionString(connectionString, (options ?? new()) with { Dial = hub.DialAsync });

    /// <summary>An event as a hub sends it.</summary>
    public static byte[] Event(long sequenceNumber, string body, string deviceId = "d1") => new OutgoingMessage
    {
        MessageAnnotations = new AmqpMapBuilder()
            .Add("x-opt-sequence-number", sequenceNumber)
            .Add("x-opt-offset", (sequenceNumber * 100).ToString(CultureInfo.InvariantCulture))
            .Add("x-opt-enqueued-time", DateTimeOffset.UnixEpoch.AddSeconds(sequenceNumber))
            .Add("iothub-connection-device-id", deviceId)
            .Add("iothub-message-source", "Telemetry")
            .Build(),
        Properties = new Properties { ContentType = new Symbol("text/plain"), MessageId = AmqpValue.From("m1") },
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("alarm", "yes").Add("level", 7).Build(),
        Data = Encoding.UTF8.GetBytes(body),
    }.ToArray();

    public static AmqpError Error(string condition) => new() { Condition = condition, Description = "Said so." };

    public static MessageSections Read(ReadOnlyMemory<byte> message, uint format = MessageFormats.Amqp)
    {
        var isRead = MessageSections.TryRead(message, SectionOrder.Strict, out var sections, out var problem, format);
        Assert.True(isRead, problem.Text);
        return sections;
    }

    /// <summary>The one data section of a message as text.</summary>
    public static string BodyOf((uint Format, byte[] Payload) message) =>
        Encoding.UTF8.GetString(Assert.Single(Payloads(Read(message.Payload, message.Format))));

    public static List<byte[]> Payloads(in MessageSections sections)
    {
        var result = new List<byte[]>();
        foreach (var payload in sections.Data)
            result.Add(payload.ToArray());
        return result;
    }

    public static string AddressOf(Terminus? terminus)
    {
        var address = terminus switch
        {
            Source source => source.Address,
            Target target => target.Address,
            _ => null,
        };
        return address is { } value && value.TryGetString(out var text) ? text : "";
    }
}
