using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>The openings that most tests begin with.</summary>
internal static class PeerSteps
{
    /// <summary>SASL up to the outcome.</summary>
    public static async Task<SaslOutcome> SaslAsync(this RawPeer peer, string mechanism, byte[]? response = null)
    {
        await peer.SendAsync(ProtocolHeader.Sasl.ToArray());
        await peer.NextAsync<SaslMechanisms>();
        await peer.SendAsync(
            0, new SaslInit { Mechanism = mechanism, InitialResponse = response }.Write, type: FrameType.Sasl);
        return await peer.NextAsync<SaslOutcome>();
    }

    public static byte[] Plain(string user, string password) => Encoding.UTF8.GetBytes($"\0{user}\0{password}");

    /// <summary>Header, open and session 0, after SASL or without it.</summary>
    public static async Task<PeerSession> OpenAsync(
        this RawPeer peer, uint maxFrameSize = 65_536, string? hostname = TestHub.Host, uint incomingWindow = int.MaxValue)
    {
        await peer.SendAsync(ProtocolHeader.Amqp.ToArray());
        await peer.SendAsync(0, new Open
        {
            ContainerId = "test",
            Hostname = hostname,
            MaxFrameSize = maxFrameSize,
        }.Write);
        await peer.NextAsync<Open>();
        return await peer.Session(0).BeginAsync(incomingWindow);
    }

    /// <summary>A connection that SASL PLAIN has authenticated, with a session.</summary>
    public static async Task<PeerSession> ConnectPlainAsync(this TestHub hub, string user, string password)
    {
        var peer = hub.Connect();
        var outcome = await peer.SaslAsync("PLAIN", Plain(user, password));
        Assert.Equal(SaslCode.Ok, outcome.Code);
        return await peer.OpenAsync();
    }

    public static Task<PeerSession> ConnectDeviceAsync(this TestHub hub, string deviceId, TimeSpan? life = null) =>
        hub.ConnectPlainAsync($"{deviceId}@sas.hub1", hub.DeviceToken(deviceId, life));

    public static Task<PeerSession> ConnectServiceAsync(this TestHub hub, string policy = "service", TimeSpan? life = null) =>
        hub.ConnectPlainAsync($"{policy}@sas.root.hub1", hub.PolicyToken(policy, life: life));

    /// <summary>A connection that has proven nothing yet.</summary>
    public static Task<PeerSession> ConnectBareAsync(this TestHub hub) => hub.Connect().OpenAsync();

    /// <summary>A device's telemetry link, accepted.</summary>
    public static async Task<PeerLink> TelemetryAsync(this PeerSession session, string deviceId)
    {
        var link = await session.SenderAsync($"/devices/{deviceId}/messages/events");
        Assert.Null(link.Refusal);
        await session.Peer.NextAsync<Flow>(f => f.Handle == link.Reply.Handle, session.Channel);
        return link;
    }

    /// <summary>A reader of a partition with credit.</summary>
    public static async Task<PeerLink> ReaderAsync(
        this PeerSession session,
        TestHub hub,
        int partition,
        string? filter = null,
        uint credit = 1_000,
        Func<Attach, Attach>? change = null)
    {
        var link = await session.ReceiverAsync(
            $"{hub.Entity}/ConsumerGroups/$Default/Partitions/{partition}",
            change: attach => (change ?? (a => a))(filter is null ? attach : attach.WithFilter(filter)));
        Assert.Null(link.Refusal);
        if (credit > 0)
            await link.CreditAsync(credit);
        return link;
    }

    public static Attach WithFilter(this Attach attach, string selector) => attach.WithFilter(
        AmqpValue.Described(new Symbol("apache.org:selector-filter:string"), AmqpValue.From(selector)));

    public static Attach WithFilter(this Attach attach, AmqpValue filter) => attach with
    {
        Source = (Source)attach.Source! with
        {
            Filter = new AmqpMapBuilder().Add("apache.org:selector-filter:string", filter).Build(),
        },
    };

    /// <summary>Begins the pair of links to $cbs, with credit for the replies.</summary>
    public static async Task<CbsPeer> CbsAsync(this PeerSession session)
    {
        var requests = await session.SenderAsync("$cbs");
        var replies = await session.ReceiverAsync("$cbs");
        Assert.Null(requests.Refusal);
        Assert.Null(replies.Refusal);
        await replies.CreditAsync(10_000);
        return new CbsPeer(requests, replies);
    }

    public static OutgoingMessage PutToken(
        string? token, string name = TestHub.Host, string? type = "servicebus.windows.net:sastoken") => new()
        {
            Properties = new Properties { MessageId = "1".ToValue() },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
            .Add("operation", "put-token").Add("type", type).Add("name", name).Build(),
            Value = AmqpValue.From(token),
        };
}

/// <summary>A client's pair of links to $cbs.</summary>
internal sealed record CbsPeer(PeerLink Requests, PeerLink Replies)
{
    /// <summary>Puts a token and waits for the reply.</summary>
    public Task<CbsReply> PutAsync(string token, string name = TestHub.Host) => SendAsync(PeerSteps.PutToken(token, name));

    public async Task<CbsReply> SendAsync(OutgoingMessage request, bool settled = false)
    {
        await Requests.SendAsync(request.ToArray(), settled, tag: settled ? [] : null);
        return CbsReply.Of(await Replies.ReceiveAsync());
    }
}

/// <summary>What a reply of $cbs or $management says.</summary>
internal sealed record CbsReply(int Status, string Description, AmqpValue? CorrelationId, ReceivedMessage Message)
{
    public static CbsReply Of(ReceivedMessage message)
    {
        var application = message.Sections.ApplicationProperties!.Value;
        Assert.True(application.TryGet("status-code", out var status));
        Assert.Equal(AmqpKind.Int, status.Kind);
        Assert.True(status.TryGetInt32(out var code));
        Assert.True(application.TryGet("status-description", out var description));
        Assert.Equal(AmqpKind.String, description.Kind);
        return new CbsReply(code, Values.TextOf(description), message.Sections.ReadProperties()?.CorrelationId, message);
    }

    /// <summary>The error-condition; empty when there is none.</summary>
    public string Condition =>
        Message.Sections.ApplicationProperties!.Value.TryGet("error-condition", out var value) ? Values.TextOf(value) : "";
}
