using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>put-token: every client's way of asking is understood.</summary>
public sealed class CbsTests
{
    private const string Events = "/devices/d1/messages/events";

    public static TheoryData<string> MessageIds => ["ulong 0", "ulong", "string", "uuid", "binary", "absent"];

    [Theory]
    [MemberData(nameof(MessageIds))]
    public async Task MessageId_OfAnyType_ComesBackAsCorrelationIdByteForByte(string kind)
    {
        AmqpValue? id = kind switch
        {
            "ulong 0" => AmqpValue.From(0UL),
            "ulong" => AmqpValue.From(77UL),
            "string" => "cbs7".ToValue(),
            "uuid" => AmqpValue.From(Guid.NewGuid()),
            "binary" => AmqpValue.From((ReadOnlyMemory<byte>)new byte[] { 1, 2, 3 }),
            _ => null,
        };
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();

        var reply = await cbs.SendAsync(PeerSteps.PutToken(hub.DeviceToken("d1")) with
        {
            Properties = id is null ? null : new Properties { MessageId = id },
        });

        Assert.Equal((200, "OK"), (reply.Status, reply.Description));
        Assert.Equal(id, reply.CorrelationId);
    }

    [Fact]
    public async Task Request_SettledWithEmptyTag_IsAnswered()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var requests = await session.SenderAsync("$cbs", "duplex1:sender", SenderSettleMode.Settled);
        var replies = await session.ReceiverAsync(
            "$cbs", "duplex1:receiver", a => a with { SndSettleMode = SenderSettleMode.Settled });
        await replies.CreditAsync(50);

        var reply = await new CbsPeer(requests, replies).SendAsync(
            PeerSteps.PutToken(hub.DeviceToken("d1"), type: "azure-devices.net:sastoken"), settled: true);

        Assert.Equal(200, reply.Status);
        Assert.True(reply.Message.Transfer.Settled);
        Assert.DoesNotContain(session.Peer.Inbox, f => f.Performative is Disposition);
    }

    [Fact]
    public async Task Request_IsAcceptedBeforeItsReplyIsSent()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();
        var peer = cbs.Requests.Session.Peer;

        await cbs.Requests.SendAsync(PeerSteps.PutToken(hub.DeviceToken("d1")).ToArray());
        await peer.WhenInboxAsync(inbox => inbox.Any(f => f.Performative is Transfer));

        var kinds = peer.Inbox.Where(f => f.Performative is Disposition or Transfer).Select(f => f.Performative!).ToArray();
        var disposition = Assert.IsType<Disposition>(kinds[0]);
        Assert.Equal((Role.Receiver, true), (disposition.Role, disposition.Settled));
        Assert.IsType<Accepted>(disposition.State);
        var transfer = Assert.IsType<Transfer>(kinds[1]);
        Assert.Equal(4, transfer.DeliveryTag!.Value.Length);
    }

    [Fact]
    public async Task Reply_WaitsForCredit()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var requests = await session.SenderAsync("$cbs", "$cbs-sender", SenderSettleMode.Unsettled);
        var replies = await session.ReceiverAsync("$cbs", "$cbs-receiver");

        await requests.SendAndWaitAsync(PeerSteps.PutToken(hub.DeviceToken("d1")).ToArray());
        await session.PingAsync();
        Assert.Equal(0, replies.Waiting);
        await replies.CreditAsync(10_000);

        Assert.Equal(200, CbsReply.Of(await replies.ReceiveAsync()).Status);
    }

    [Fact]
    public async Task Reply_WaitsForALinkThatIsAttachedLater()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var requests = await session.SenderAsync("$cbs");
        await requests.SendAndWaitAsync(PeerSteps.PutToken(hub.DeviceToken("d1")).ToArray());
        await requests.SendAndWaitAsync(PeerSteps.PutToken("nonsense").ToArray());

        var replies = await session.ReceiverAsync("$cbs");
        await replies.CreditAsync(10);

        Assert.Equal(200, CbsReply.Of(await replies.ReceiveAsync()).Status);
        Assert.Equal(401, CbsReply.Of(await replies.ReceiveAsync()).Status);
    }

    [Fact]
    public async Task Reply_NoLinkEver_EndsTheConnectionWhenTooManyWait()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var token = PeerSteps.PutToken(hub.DeviceToken("d1")).ToArray();
        var session = await hub.ConnectBareAsync();
        var requests = await session.SenderAsync("$cbs");

        for (var i = 0; i < 256; i++)
            await requests.SendAndWaitAsync(token);
        await requests.SendAsync(token);

        var close = await session.Peer.NextAsync<Close>();
        Assert.Equal(ErrorCondition.ResourceLimitExceeded, close.Error!.Condition.Value);
    }

    [Theory]
    [InlineData("cbs")]
    [InlineData("somewhere-else")]
    [InlineData("")]
    public async Task ReplyTo_IsNotNeededToFindTheLink(string replyTo)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();

        var reply = await cbs.SendAsync(PeerSteps.PutToken(hub.DeviceToken("d1")) with
        {
            Properties = new Properties
            {
                MessageId = AmqpValue.From(Guid.NewGuid()),
                To = "$cbs".ToValue(),
                ReplyTo = replyTo.ToValue(),
            },
        });

        Assert.Equal(200, reply.Status);
    }

    [Fact]
    public async Task Reply_GoesToTheSessionOfItsRequest()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var first = await hub.ConnectBareAsync();
        var second = await first.Peer.Session(3).BeginAsync();
        var pairs = new[] { await first.CbsAsync(), await second.CbsAsync() };

        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(200, (await pairs[i & 1].PutAsync(hub.DeviceToken("d1"))).Status);
            Assert.Equal(0, pairs[1 - (i & 1)].Replies.Waiting);
        }
    }

    [Fact]
    public async Task Reply_SeveralLinksInOneSession_ReplyToDecides()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var requests = await session.SenderAsync("$cbs");
        var links = new List<PeerLink>();
        for (var i = 0; i < 3; i++)
        {
            var target = new Target { Address = $"target-{i}".ToValue() };
            links.Add(await session.ReceiverAsync("$cbs", $"link-{i}", a => a with { Target = target }));
            await links[i].CreditAsync(10);
        }

        foreach (var (replyTo, expected) in new[] { ("target-0", 0), ("link-1", 1), ("target-2", 2), ("else", 2) })
        {
            await requests.SendAsync((PeerSteps.PutToken(hub.DeviceToken("d1")) with
            {
                Properties = new Properties { MessageId = "1".ToValue(), ReplyTo = replyTo.ToValue() },
            }).ToArray());
            Assert.Equal(200, CbsReply.Of(await links[expected].ReceiveAsync()).Status);
        }
    }

    [Fact]
    public async Task Request_SecondLinkPairAfterTheFirstWasClosed_Works()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        for (var i = 0; i < 3; i++)
        {
            var cbs = await session.CbsAsync();
            Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("d1"))).Status);
            await cbs.Requests.DetachAsync();
            await cbs.Replies.DetachAsync();
        }

        Assert.Null((await session.SenderAsync(Events)).Refusal);
    }

    [Fact]
    public async Task Requests_TwoOutstanding_AreBothAnswered()
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"));
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();
        for (ulong i = 0; i < 2; i++)
        {
            await cbs.Requests.SendAsync((PeerSteps.PutToken(hub.DeviceToken($"d{i + 1}")) with
            {
                Properties = new Properties { MessageId = AmqpValue.From(i) },
            }).ToArray());
        }

        for (ulong i = 0; i < 2; i++)
            Assert.Equal(AmqpValue.From(i), CbsReply.Of(await cbs.Replies.ReceiveAsync()).CorrelationId);
    }

    [Theory]
    [InlineData("servicebus.windows.net:sastoken")]
    [InlineData("azure-devices.net:sastoken")]
    [InlineData("AZURE-DEVICES.NET:SASTOKEN")]
    [InlineData("jwt")]
    [InlineData("Bearer")]
    public async Task Type_OfASignature_MayBeAnyWord(string type)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();

        var reply = await cbs.SendAsync(PeerSteps.PutToken(hub.DeviceToken("d1"), type: type));

        Assert.Equal(200, reply.Status);
    }

    [Theory]
    [InlineData("hub1.example.net/devices/d1")]
    [InlineData("hub1.example.net%2Fdevices%2Fd1")]
    [InlineData("amqps://hub1.example.net:5671/")]
    [InlineData("https://hub1.example.net")]
    [InlineData("gateway.local/devices/d1")]
    [InlineData("hub1.example.net/devices/somebody-else")]
    public async Task Name_SaysNothing_TheTokensResourceDecides(string name)
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("somebody-else"));
        var session = await hub.ConnectBareAsync();

        var reply = await (await session.CbsAsync()).PutAsync(hub.DeviceToken("d1"), name);

        Assert.Equal(200, reply.Status);
        Assert.Null((await session.SenderAsync(Events)).Refusal);
        var other = await session.SenderAsync("/devices/somebody-else/messages/events");
        Assert.Equal(ErrorCondition.UnauthorizedAccess, other.Refusal!.Condition.Value);
    }

    [Fact]
    public async Task Fields_DescribedValues_AreRead()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();
        static AmqpValue Described(string text) => AmqpValue.Described(new Symbol("x:y"), AmqpValue.From(text));

        var reply = await cbs.SendAsync(PeerSteps.PutToken(null) with
        {
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("operation", Described("put-token")).Add("type", Described("jwt")).Add("name", Described("n"))
                .Add("expiration", hub.Time.GetUtcNow().AddHours(1)).Build(),
            Value = Described(hub.DeviceToken("d1")),
        });

        Assert.Equal(200, reply.Status);
    }

    [Fact]
    public async Task PolicyToken_SignedWithTheKeysText_IsTakenAndADevicesIsNot()
    {
        await using var hub = await TestHub.StartAsync();
        var device = await hub.CreateDeviceAsync("d1");
        var ends = hub.Time.GetUtcNow().AddHours(1);
        var cbs = await (await hub.ConnectBareAsync()).CbsAsync();

        var policy = await cbs.PutAsync(
            Tokens.SignWithText($"sb://{TestHub.Host}/{hub.Entity}", hub.Policy("service").Keys.Secondary, ends, "service"));
        var own = await cbs.PutAsync(
            Tokens.SignWithText($"{TestHub.Host}/devices/d1", device.Authentication.Keys!.Primary, ends, ""));

        Assert.Equal(200, policy.Status);
        Assert.Equal(401, own.Status);
    }
}
