using System.Net;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Security;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Security;

/// <summary>Whichever way a guess comes in, it is counted for the identity and waits; the right credential does not.</summary>
public sealed class GuardedDoorsTests
{
    public enum Way
    {
        Plain,
        External,
        Cbs,
        Management,
    }

    public static TheoryData<Way, Way> Pairs =>
        [.. from one in Enum.GetValues<Way>() from other in Enum.GetValues<Way>() select (one, other)];

    private static int s_nextAddress;

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Guesses_ByOneWay_AreSlowedByEveryOther(Way first, Way second)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        // Each from an address of its own, so that it is the identity that counts.
        for (var i = 0; i < FailureLimits.IdentityBurst; i++)
            await (await BeginGuessAsync(hub, first)).Refused;
        Assert.Equal(0, hub.Core.Failures.Slowed);

        var (peer, refused) = await BeginGuessAsync(hub, second);
        await hub.Log.WhenLoggedAsync($" {peer.Id}: ", "refused");
        var session = await hub.ConnectDeviceAsync("d1");
        Assert.Equal(200, (await (await session.CbsAsync()).PutAsync(hub.DeviceToken("d1"))).Status);

        Assert.False(refused.IsCompleted);
        Assert.Equal(1, hub.Core.Failures.Slowed);
        hub.Time.Advance(FailureLimits.IdentityInterval);
        await refused;
    }

    [Fact]
    public async Task RightTokens_MoreThanAConnectionHolds_AreNoGuesses()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("good");
        var nat = NewAddress();
        for (var i = 0; i < FailureLimits.AddressBurst; i++)
        {
            var guess = await hub.Connect(remote: nat).SaslAsync("PLAIN", PeerSteps.Plain($"nobody{i}@sas.hub1", "x"));
            Assert.Equal(SaslCode.Auth, guess.Code);
        }
        var session = await hub.Connect(remote: nat).OpenAsync();
        var cbs = await session.CbsAsync();
        for (var i = 0; i < 1_000; i++)
            Assert.Equal(200, (await cbs.PutAsync(hub.PolicyToken("device", $"/devices/d{i}"))).Status);

        // Time stands still: an answer that had to wait would never come.
        Assert.Equal(403, (await cbs.PutAsync(hub.DeviceToken("good"))).Status);
        Assert.Equal(0, hub.Core.Failures.Slowed);
    }

    /// <summary>What a certificate opens is a right, not a secret: asking for it again and again guesses nothing.</summary>
    [Fact]
    public async Task Attaches_OutsideOfACertificatesRights_AreRefusedAtOnce()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.Connect(remote: NewAddress(), certificate: s_certificate.Value).OpenAsync();
        for (var i = 0; i < FailureLimits.AddressBurst * 2; i++)
            Assert.NotNull((await session.SenderAsync("/devices/d1/messages/events")).Refusal);
        Assert.Equal(0, hub.Core.Failures.Slowed);
    }

    private static readonly Lazy<System.Security.Cryptography.X509Certificates.X509Certificate2> s_certificate =
        new(() => Issuer.SelfSigned("d1").Certificate);

    private static IPEndPoint NewAddress()
    {
        var number = Interlocked.Increment(ref s_nextAddress);
        return new IPEndPoint(new IPAddress([198, 18, (byte)(number >> 8), (byte)number]), 4711);
    }

    private static async Task<(RawPeer Peer, Task Refused)> BeginGuessAsync(TestHub hub, Way way)
    {
        var peer = hub.Connect(
            remote: NewAddress(), certificate: way == Way.External ? s_certificate.Value : null);
        if (way == Way.Plain)
            return (peer, SaslRefusedAsync(peer, "PLAIN", PeerSteps.Plain("d1@sas.hub1", hub.ForeignToken("/devices/d1"))));
        if (way == Way.External)
            return (peer, SaslRefusedAsync(peer, "EXTERNAL", null));
        var session = await peer.OpenAsync();
        if (way == Way.Cbs)
            return (peer, RefusedAsync((await session.CbsAsync()).PutAsync(hub.ForeignToken("/devices/d1"))));
        var requests = await session.SenderAsync("$management");
        var replies = await session.ReceiverAsync("$management");
        await replies.CreditAsync(1);
        return (peer, RefusedAsync(new CbsPeer(requests, replies).SendAsync(Read(hub))));
    }

    private static async Task SaslRefusedAsync(RawPeer peer, string mechanism, byte[]? response) =>
        Assert.Equal(SaslCode.Auth, (await peer.SaslAsync(mechanism, response)).Code);

    private static async Task RefusedAsync(Task<CbsReply> reply) => Assert.Equal(401, (await reply).Status);

    private static OutgoingMessage Read(TestHub hub) => new()
    {
        Properties = new Properties { MessageId = "1".ToValue() },
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
            .Add("operation", "READ").Add("type", "com.microsoft:eventhub").Add("name", hub.Entity)
            .Add("security_token", AmqpValue.From(hub.ForeignToken("/devices/d1"))).Build(),
    };
}
