using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>$management READ, in each client's form.</summary>
public sealed class ManagementTests
{
    private const string Hub = "com.microsoft:eventhub";
    private const string Partition = "com.microsoft:partition";

    [Theory]
    [InlineData("JavaScript")]
    [InlineData("Python, pyamqp")]
    [InlineData("Python, uamqp")]
    [InlineData(".NET")]
    [InlineData("Go")]
    public async Task Read_OfTheHub_IsAnsweredToEachClientsForm(string client)
    {
        await using var hub = await TestHub.StartAsync(partitions: 3);
        var session = client is "JavaScript" or ".NET" or "Python, pyamqp"
            ? await hub.ConnectBareAsync()
            : await hub.ConnectServiceAsync();
        var address = client == "Go" ? $"{hub.Entity}/$management" : "$management";
        var requests = await session.SenderAsync(address);
        var replies = await session.ReceiverAsync(
            address, change: a => a with { Target = new Target { Address = "reply-address".ToValue() } });
        await replies.CreditAsync(50);
        var token = Tokens.SignWithText(
            $"sb://{TestHub.Host}/{hub.Entity}", hub.Policy("service").Keys.Primary, hub.Time.GetUtcNow().AddHours(1), "service");
        var (id, request) = client switch
        {
            "JavaScript" => ("guid".ToValue(), Request(hub, Hub, token.ToValue()) with
            {
                Value = AmqpValue.From((ReadOnlyMemory<byte>)"[]"u8.ToArray()),
            }),
            "Python, pyamqp" => (AmqpValue.From(0UL), Request(hub, Hub, DescribedToken(token))),
            "Python, uamqp" => (AmqpValue.From(0UL), Request(hub, Hub, null) with { Value = AmqpValue.From((string?)null) }),
            ".NET" => ("svc21".ToValue(), Request(hub, Hub, token.ToValue())),
            _ => ("1".ToValue(), Request(hub, Hub, null)),
        };
        var properties = new Properties
        {
            MessageId = id,
            ReplyTo = client.StartsWith("Python", StringComparison.Ordinal) ? null : "reply-address".ToValue(),
        };
        var bytes = (request with { Properties = properties }).ToArray();
        // Where no body is set, the client sends none at all.
        await requests.SendAsync(request.Value is null ? bytes[..^Values.Message("").Length] : bytes);
        var reply = CbsReply.Of(await replies.ReceiveAsync());

        Assert.Equal(200, reply.Status);
        Assert.Equal(id, reply.CorrelationId);
        var body = Body(reply);
        Assert.Equal(hub.Entity.ToValue(), body["name"]);
        Assert.Equal(Hub.ToValue(), body["type"]);
        Assert.Equal(AmqpValue.From(hub.Events.Log.CreatedAt), body["created_at"]);
        Assert.Equal(AmqpValue.From(3), body["partition_count"]);
        Assert.Equal(AmqpValue.From(["0", "1", "2"]), body["partition_ids"]);
        Assert.Equal(AmqpKind.Array, body["partition_ids"].Kind);
        Assert.Equal(AmqpValue.From(1), body["georeplication_factor"]);
    }

    [Fact]
    public async Task Read_OfAPartition_TellsItsNumbers()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var node = await OpenAsync(await hub.ConnectServiceAsync());

        var empty = Body(await ReadAsync(hub, node, Partition, "0"));
        await telemetry.SendEventsAsync(0, 3);
        var full = Body(await ReadAsync(hub, node, Partition, "0"));
        var reader = await (await hub.ConnectServiceAsync()).ReaderAsync(hub, 0);
        var last = (await reader.ReceiveAsync(3))[^1];

        Assert.Equal(AmqpValue.From(-1L), empty["begin_sequence_number"]);
        Assert.Equal(AmqpValue.From(-1L), empty["last_enqueued_sequence_number"]);
        Assert.Equal("-1".ToValue(), empty["last_enqueued_offset"]);
        Assert.Equal(AmqpKind.Timestamp, empty["last_enqueued_time_utc"].Kind);
        Assert.Equal(AmqpValue.From(true), empty["is_partition_empty"]);
        Assert.Equal(hub.Entity.ToValue(), full["name"]);
        Assert.Equal(Partition.ToValue(), full["type"]);
        Assert.Equal("0".ToValue(), full["partition"]);
        Assert.Equal(AmqpValue.From(0L), full["begin_sequence_number"]);
        Assert.Equal(AmqpValue.From(2L), full["last_enqueued_sequence_number"]);
        Assert.Equal(last.Annotation("x-opt-offset"), full["last_enqueued_offset"]);
        Assert.Equal(last.Annotation("x-opt-enqueued-time"), full["last_enqueued_time_utc"]);
        Assert.Equal(AmqpValue.From(false), full["is_partition_empty"]);
    }

    [Theory]
    [InlineData("other hub", 404, ErrorCondition.NotFound, "could not be found")]
    [InlineData("no name", 404, ErrorCondition.NotFound, "could not be found")]
    [InlineData("partition 1", 400, AmqpErrorNames.ArgumentOutOfRange, "'1'")]
    [InlineData("no partition", 400, AmqpErrorNames.ArgumentOutOfRange, "partition")]
    [InlineData("other type", 400, AmqpErrorNames.ArgumentError, "'queue'")]
    [InlineData("other operation", 501, ErrorCondition.NotImplemented, "'DELETE'")]
    [InlineData("no properties", 501, ErrorCondition.NotImplemented, "READ")]
    public async Task Read_OfWhatIsNotThere_IsRefusedAndTheLinksGoOn(string what, int status, string condition, string text)
    {
        var (hub, _) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var session = await hub.ConnectServiceAsync();
        var node = await OpenAsync(session);

        var reply = what switch
        {
            "other hub" => await ReadAsync(hub, node, Hub, name: "another"),
            "no name" => await ReadAsync(hub, node, Hub, name: ""),
            "partition 1" => await ReadAsync(hub, node, Partition, "1"),
            "no partition" => await ReadAsync(hub, node, Partition),
            "other type" => await ReadAsync(hub, node, "queue"),
            "other operation" => await node.SendAsync(Request(hub, Hub, null, operation: "DELETE")),
            _ => await node.SendAsync(new OutgoingMessage { Value = "x".ToValue() }),
        };

        Assert.Equal((status, condition), (reply.Status, reply.Condition));
        Assert.Contains(text, reply.Description, StringComparison.Ordinal);
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: $management request refused");
        Assert.Equal(200, (await ReadAsync(hub, node, Hub)).Status);
    }

    [Theory]
    [InlineData("no token")]
    [InlineData("garbled token")]
    [InlineData("device token")]
    [InlineData("policy without the right")]
    [InlineData("expired")]
    public async Task Read_WithoutTheRight_IsUnauthorized(string what)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var node = await OpenAsync(await hub.ConnectBareAsync());
        var token = what switch
        {
            "no token" => null,
            "garbled token" => hub.PolicyToken("service").Replace("sig=", "sig=AAAA", StringComparison.Ordinal),
            "device token" => hub.DeviceToken("d1"),
            "policy without the right" => hub.PolicyToken("registryReadWrite"),
            _ => hub.PolicyToken("service", life: TimeSpan.FromMinutes(-6)),
        };

        var reply = await node.SendAsync(Request(hub, Hub, token?.ToValue()));

        Assert.Equal((401, ErrorCondition.UnauthorizedAccess), (reply.Status, reply.Condition));
    }

    [Fact]
    public async Task Read_WithATokenInTheRequest_ProvesNothingForTheConnection()
    {
        await using var hub = await TestHub.StartAsync();
        var session = await hub.ConnectBareAsync();
        var node = await OpenAsync(session);

        Assert.Equal(200, (await node.SendAsync(Request(hub, Hub, hub.PolicyToken("service").ToValue()))).Status);

        Assert.Equal(401, (await node.SendAsync(Request(hub, Hub, null))).Status);
        var reader = await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/$Default/Partitions/0");
        Assert.Equal(ErrorCondition.UnauthorizedAccess, reader.Refusal?.Condition.Value);
    }

    private static async Task<CbsPeer> OpenAsync(PeerSession session)
    {
        var requests = await session.SenderAsync("$management");
        var replies = await session.ReceiverAsync("$management");
        await replies.CreditAsync(100);
        return new CbsPeer(requests, replies);
    }

    private static Task<CbsReply> ReadAsync(TestHub hub, CbsPeer node, string type, string? partition = null, string? name = null) =>
        node.SendAsync(Request(hub, type, null, partition, name));

    private static OutgoingMessage Request(
        TestHub hub, string type, AmqpValue? token, string? partition = null, string? name = null, string operation = "READ")
    {
        var application = new AmqpMapBuilder(MapKeyKind.String).Add("operation", operation).Add("type", type);
        if (name != "")
            application.Add("name", name ?? hub.Entity);
        if (partition is not null)
            application.Add("partition", partition);
        if (token is { } value)
            application.Add("security_token", value);
        return new OutgoingMessage
        {
            Properties = new Properties { MessageId = "1".ToValue() },
            ApplicationProperties = application.Build(),
        };
    }

    /// <summary>The token as the descriptor, its expiry as the value.</summary>
    private static AmqpValue DescribedToken(string token)
    {
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        buffer.Write([FormatCode.Described]);
        writer.WriteBinary(Encoding.UTF8.GetBytes(token));
        writer.WriteInt(1_795_390_374);
        return new AmqpValue(buffer.WrittenSpan.ToArray());
    }

    private static Dictionary<string, AmqpValue> Body(CbsReply reply)
    {
        Assert.Equal(200, reply.Status);
        var map = reply.Message.Sections.Value!.Value.AsMap()!.Value;
        Assert.All(map, e => Assert.Equal(AmqpKind.String, e.Key.Kind));
        return map.ToDictionary(e => Values.TextOf(e.Key), e => e.Value);
    }
}
