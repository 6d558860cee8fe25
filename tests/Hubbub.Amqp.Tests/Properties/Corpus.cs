using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Properties;

/// <summary>Frames' bodies and messages as real clients send them: what mutations start from.</summary>
internal static class Corpus
{
    private static readonly AmqpMap Map = new AmqpMapBuilder()
        .Add("key", "value").Add("com.microsoft:timeout", 60_000u).Add("list", (Symbol[])["a", "b"]).Build();

    internal static IEnumerable<byte[]> Performatives =>
    [
        Wire.Write(static (ref w) => new Open
        {
            ContainerId = "device-1",
            Hostname = "hub.example",
            MaxFrameSize = 65_536,
            ChannelMax = 63,
            IdleTimeOut = 120_000,
            OutgoingLocales = ["en-US"],
            DesiredCapabilities = ["a", "b"],
            Properties = Map,
        }.Write(ref w)),
        Wire.Write(static (ref w) => new Begin
        {
            RemoteChannel = 1,
            NextOutgoingId = 0,
            IncomingWindow = 2_048,
            OutgoingWindow = 2_048,
            HandleMax = 255,
        }.Write(ref w)),
        Wire.Write(static (ref w) => new Attach
        {
            Name = "telemetry",
            Handle = 0,
            Role = Role.Sender,
            Source = new Source
            {
                Address = AmqpValue.From("local"),
                Filter = new AmqpMapBuilder().Add("f", AmqpValue.Described("f", AmqpValue.From("x > 1"))).Build(),
                DefaultOutcome = new Modified { DeliveryFailed = true },
                Outcomes = ["amqp:accepted:list", "amqp:rejected:list"],
            },
            Target = new Target { Address = AmqpValue.From("/devices/device-1/messages/events"), Timeout = 5 },
            Unsettled = Map,
            InitialDeliveryCount = 0,
            MaxMessageSize = 262_144,
            Properties = Map,
        }.Write(ref w)),
        Wire.Write(static (ref w) => new Flow
        {
            NextIncomingId = 0,
            IncomingWindow = 2_048,
            NextOutgoingId = 1,
            OutgoingWindow = 2_048,
            Handle = 0,
            DeliveryCount = 3,
            LinkCredit = 1_000,
            Properties = Map,
        }.Write(ref w)),
        Wire.Write(static (ref w) => new Transfer
        {
            Handle = 0,
            DeliveryId = 70_000,
            DeliveryTag = new byte[] { 1, 2, 3, 4 },
            MessageFormat = 0,
            Settled = false,
            State = new Received { SectionNumber = 1, SectionOffset = 2 },
        }.Write(ref w)),
        Wire.Write(static (ref w) => new Disposition
        {
            Role = Role.Receiver,
            First = 0,
            Last = 9,
            Settled = true,
            State = new Rejected
            {
                Error = new AmqpError { Condition = "amqp:not-found", Description = "d", Info = Map },
            },
        }.Write(ref w)),
        Wire.Write(static (ref w) => new Detach
        {
            Handle = 0,
            Closed = true,
            Error = new AmqpError { Condition = "amqp:link:detach-forced" },
        }.Write(ref w)),
        Wire.Write(static (ref w) => new Close().Write(ref w)),
        Wire.Write(static (ref w) => new SaslMechanisms { SaslServerMechanisms = ["PLAIN", "ANONYMOUS"] }.Write(ref w)),
        Wire.Write(static (ref w) => new SaslInit { Mechanism = "PLAIN", InitialResponse = new byte[20] }.Write(ref w)),
        Wire.Write(static (ref w) => new SaslOutcome { Code = SaslCode.Ok }.Write(ref w)),
    ];

    internal static IEnumerable<byte[]> Messages =>
    [
        new OutgoingMessage { Data = new byte[32] }.ToArray(),
        new OutgoingMessage
        {
            Header = new Header { Durable = true, Priority = 4, Ttl = 1_000, FirstAcquirer = false, DeliveryCount = 2 },
            DeliveryAnnotations = Map,
            MessageAnnotations = Map,
            Properties = new Performatives.Properties
            {
                MessageId = AmqpValue.From("id"),
                UserId = new byte[] { 1 },
                To = AmqpValue.From("/devices/d/messages/devicebound"),
                CorrelationId = AmqpValue.From(7ul),
                ContentType = "application/json",
                ContentEncoding = "utf-8",
                CreationTime = new Timestamp(1),
                GroupSequence = 5,
            },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("key", "value").Add("n", 5).Add("b", true).Build(),
            Data = new byte[] { 1, 2, 3 },
        }.ToArray(),
        new OutgoingMessage
        {
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("operation", "put-token").Build(),
            Value = AmqpValue.From(Map),
        }.ToArray(),
        Wire.Bytes("005376c003024141 005376c00100 005378c10100"),
    ];
}
