using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Identities;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>put-token: what is refused, with which status, and how often.</summary>
public sealed class CbsRefusalTests
{
    private const string Events = "/devices/d1/messages/events";

    public static TheoryData<string, int> BadRequests => new()
    {
        { "no operation", 400 },
        { "other operation", 400 },
        { "operation is a number", 400 },
        { "no type", 400 },
        { "empty type", 400 },
        { "no name", 400 },
        { "no application properties", 400 },
        { "body is binary", 400 },
        { "body is null", 400 },
        { "body is empty", 400 },
        { "body is a data section", 400 },
        { "no body", 400 },
        { "token of 64 KiB", 401 },
        { "not a signature", 401 },
        { "garbled signature", 401 },
        { "expired", 401 },
        { "another device's key", 401 },
        { "another hub", 401 },
        { "unknown policy", 401 },
        { "disabled device", 401 },
        { "unknown device", 404 },
        { "unknown module", 404 },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task BadRequest_IsAnsweredWithItsStatusAndTheLinksGoOn(string what, int status)
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"), hub.CreateDeviceAsync("off"));
        await hub.Core.Registry.UpdateDeviceAsync(
            new() { DeviceId = "off", Status = DeviceStatus.Disabled }, IfMatch.Any, TestContext.Current.CancellationToken);
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();

        var reply = await cbs.SendAsync(BadRequest(hub, what));

        Assert.Equal(status, reply.Status);
        Assert.NotEmpty(reply.Description);
        Assert.NotEmpty(reply.Condition);
        Assert.Equal("1".ToValue(), reply.CorrelationId);
        var line = await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: token for", "refused");
        Assert.DoesNotContain("sig=", line, StringComparison.Ordinal);
        Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("d1"))).Status);
        Assert.Null((await session.SenderAsync(Events)).Refusal);
    }

    [Fact]
    public async Task UnknownDevice_ReplyNamesIt()
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"), hub.CreateDeviceAsync("off"));
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();

        var reply = await cbs.SendAsync(BadRequest(hub, "unknown device"));

        Assert.Contains("ghost", reply.Description, StringComparison.Ordinal);
        Assert.Equal(ErrorCondition.NotFound, reply.Condition);
    }

    [Theory]
    [InlineData("an inner map")]
    [InlineData("no message")]
    public async Task MalformedMessage_IsRejectedAndTheLinksGoOn(string what)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();
        var bad = what == "no message" ? new byte[] { 0x00, 0x53, 0x74, 0xc1, 0xff } : (PeerSteps.PutToken("x") with
        {
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("operation", AmqpValue.From(new AmqpMapBuilder().Add("a", 1).Build())).Build(),
        }).ToArray();

        var outcome = await cbs.Requests.SendAndWaitAsync(bad);

        Assert.NotNull(Assert.IsType<Rejected>(outcome).Error);
        Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("d1"))).Status);
    }

    [Fact]
    public async Task Failures_SixteenInARow_CloseTheConnectionAndNoOther()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var other = await hub.ConnectDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();

        for (var i = 0; i < 15; i++)
            Assert.Equal(401, (await cbs.PutAsync("nonsense")).Status);
        // A fresh pair of links does not start the count anew.
        cbs = await session.CbsAsync();
        await cbs.Requests.SendAsync(PeerSteps.PutToken("nonsense").ToArray());

        var close = await session.Peer.NextAsync<Close>();
        Assert.Equal(ErrorCondition.UnauthorizedAccess, close.Error!.Condition.Value);
        Assert.Contains("16", close.Error.Description, StringComparison.Ordinal);
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: closing", "16 tokens");
        await other.PingAsync();
    }

    [Fact]
    public async Task Failures_WithASuccessBetween_DoNotClose()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();

        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 15; i++)
                Assert.Equal(401, (await cbs.PutAsync("nonsense")).Status);
            Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("d1"))).Status);
        }
    }

    [Fact]
    public async Task Identities_AThousandOnOneConnection_AndOneMoreIsRefused()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        for (var i = 0; i < 1_000; i++)
            Assert.Equal(200, (await cbs.PutAsync(hub.PolicyToken("device", $"/devices/d{i}"))).Status);

        var more = await cbs.PutAsync(hub.PolicyToken("device", "/devices/d1000"));
        var renewed = await cbs.PutAsync(hub.PolicyToken("device", "/devices/d1", TimeSpan.FromHours(2)));

        Assert.Equal((403, ErrorCondition.ResourceLimitExceeded), (more.Status, more.Condition));
        Assert.Contains("1000", more.Description, StringComparison.Ordinal);
        Assert.Equal(200, renewed.Status);
        Assert.Null((await session.SenderAsync(Events)).Refusal);
    }

    private static OutgoingMessage BadRequest(TestHub hub, string what)
    {
        var good = PeerSteps.PutToken(hub.DeviceToken("d1"));
        var ends = hub.Time.GetUtcNow().AddHours(1);
        OutgoingMessage With(params (string Key, AmqpValue Value)[] fields)
        {
            var map = new AmqpMapBuilder(MapKeyKind.String);
            foreach (var (key, value) in fields)
                map.Add(key, value);
            return good with { ApplicationProperties = map.Build() };
        }

        OutgoingMessage Token(string token) => good with { Value = AmqpValue.From(token) };
        var operation = ("operation", "put-token".ToValue());
        var type = ("type", "t".ToValue());
        var name = ("name", "n".ToValue());
        return what switch
        {
            "no operation" => With(type, name),
            "other operation" => With(("operation", "get-token".ToValue()), type, name),
            "operation is a number" => With(("operation", AmqpValue.From(1)), type, name),
            "no type" => With(operation, name),
            "empty type" => With(operation, ("type", "".ToValue()), name),
            "no name" => With(operation, type),
            "no application properties" => good with { ApplicationProperties = null },
            "body is binary" => good with
            {
                Value = AmqpValue.From((ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(hub.DeviceToken("d1"))),
            },
            "body is null" => good with { Value = AmqpValue.From((string?)null) },
            "body is empty" => Token(""),
            "body is a data section" => good with { Value = null, Data = Encoding.UTF8.GetBytes(hub.DeviceToken("d1")) },
            "no body" => good with { Value = null },
            "token of 64 KiB" => Token("SharedAccessSignature sr=" + new string('x', 65_536 - 25)),
            "not a signature" => Token("Bearer eyJhbGciOiJub25lIn0.e30."),
            "garbled signature" => Token(hub.DeviceToken("d1").Replace("sig=", "sig=AAAA", StringComparison.Ordinal)),
            "expired" => Token(hub.DeviceToken("d1", TimeSpan.FromSeconds(-301))),
            "another device's key" => Token(Tokens.Sign(
                $"{TestHub.Host}/devices/d1", hub.Core.Registry.FindDevice("d2")!.Authentication.Keys!.Primary, ends)),
            "another hub" => Token(Tokens.Sign("other.example.net", hub.Policy("service").Keys.Primary, ends, "service")),
            "unknown policy" => Token(hub.ForeignToken("", "nobody")),
            "disabled device" => Token(hub.DeviceToken("off")),
            "unknown device" => Token(hub.ForeignToken("/devices/ghost")),
            "unknown module" => Token(hub.ForeignToken("/devices/d1/modules/ghost")),
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
        };
    }
}
