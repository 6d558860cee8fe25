using System.Net;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Security;
using Hubbub.Server.Tests.Amqp.Harness;
using Hubbub.Server.Tests.Http;

namespace Hubbub.Server.Tests.Security;

/// <summary>
/// Somebody guesses: he is slowed down and counted, and the device whose id or address he uses notices nothing. The
/// clock stands still, so whoever has to wait waits until the test moves it.
/// </summary>
public sealed class BruteForceTests
{
    private static readonly EndPoint s_nat = new IPEndPoint(IPAddress.Parse("203.0.113.7"), 4711);
    private static readonly EndPoint s_elsewhere = new IPEndPoint(IPAddress.Parse("198.51.100.1"), 815);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Guesses_AtADevice_AreSlowedAndTheDeviceIsNot(bool sameAddress)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        await GuessAsync(hub, "d1", FailureLimits.IdentityBurst);
        var guessing = hub.Connect(remote: s_nat).SaslAsync("PLAIN", PeerSteps.Plain("d1@sas.hub1", hub.ForeignToken("/devices/d1")));

        // The healthy device: by SASL, by $cbs, again and again, from the same address or another one.
        var session = await hub.Connect(remote: sameAddress ? s_nat : s_elsewhere).OpenAsync();
        var cbs = await session.CbsAsync();
        for (var i = 0; i < 50; i++)
            Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("d1"))).Status);
        var link = await session.TelemetryAsync("d1");
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("untroubled")));
        var plain = hub.Connect(remote: sameAddress ? s_nat : s_elsewhere);
        Assert.Equal(SaslCode.Ok, (await plain.SaslAsync("PLAIN", PeerSteps.Plain("d1@sas.hub1", hub.DeviceToken("d1")))).Code);

        await hub.Log.WhenLoggedAsync("Failed authentications", "203.0.113.7", "'d1'", "delayed");
        Assert.False(guessing.IsCompleted);
        await hub.AdvanceAsync(FailureLimits.DelayMax + TimeSpan.FromSeconds(1), session.Peer);
        Assert.Equal(SaslCode.Auth, (await guessing).Code);
        Assert.True(hub.Core.Failures.Slowed > 0);
    }

    [Fact]
    public async Task PlantBehindOneAddress_WithAttackersInIt_GoesOn()
    {
        await using var hub = await TestHub.StartAsync();
        for (var i = 0; i < 20; i++)
            await hub.CreateDeviceAsync($"d{i}");
        for (var i = 0; i < 10; i++)
            await GuessAsync(hub, $"d{i}", FailureLimits.AddressBurst / 10);
        // Many at once, for one that waits must cost no more than its memory.
        var attackers = Enumerable.Range(0, 100).Select(_ => hub.Connect(remote: s_nat)).ToArray();
        var guesses = attackers.Select(peer => peer.SaslAsync("PLAIN", PeerSteps.Plain("nobody@sas.hub1", "x"))).ToArray();
        foreach (var peer in attackers)
            await hub.Log.WhenLoggedAsync($" {peer.Id}: SASL PLAIN refused");

        for (var i = 0; i < 20; i++)
        {
            var plain = await hub.Connect(remote: s_nat).SaslAsync("PLAIN", PeerSteps.Plain($"d{i}@sas.hub1", hub.DeviceToken($"d{i}")));
            Assert.Equal(SaslCode.Ok, plain.Code);
            var session = await hub.Connect(remote: s_nat).OpenAsync();
            Assert.Equal(200, (await (await session.CbsAsync()).PutAsync(hub.DeviceToken($"d{i}"))).Status);
            var link = await session.TelemetryAsync($"d{i}");
            Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("the plant goes on")));
        }

        Assert.DoesNotContain(guesses, guess => guess.IsCompleted);
        Assert.Equal(guesses.Length, hub.Core.Failures.Slowed);
        hub.Time.Advance(FailureLimits.DelayMax);
        foreach (var guess in guesses)
            Assert.Equal(SaslCode.Auth, (await guess).Code);
    }

    [Fact]
    public async Task BadDeviceOfAGateway_Waits_AndItsNeighboursOnTheConnectionDoNot()
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("good"), hub.CreateDeviceAsync("bad"));
        await GuessAsync(hub, "bad", FailureLimits.IdentityBurst);
        var session = await hub.Connect(remote: s_elsewhere).OpenAsync();
        var cbs = await session.CbsAsync();

        await cbs.Requests.SendAsync(PeerSteps.PutToken(hub.ForeignToken("/devices/bad")).ToArray());
        Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("good"))).Status);
        var link = await session.TelemetryAsync("good");
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("does not wait")));

        Assert.Equal(0, cbs.Replies.Waiting);
        await hub.AdvanceAsync(FailureLimits.DelayMax + TimeSpan.FromSeconds(1), session.Peer);
        Assert.Equal(401, CbsReply.Of(await cbs.Replies.ReceiveAsync()).Status);
    }

    [Fact]
    public async Task BadDeviceOfAGateway_ThatTriesNowAndThen_DoesNotEndTheConnection()
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("good"), hub.CreateDeviceAsync("bad"));
        var session = await hub.Connect(remote: s_elsewhere).OpenAsync();
        var cbs = await session.CbsAsync();
        Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("good"))).Status);
        var link = await session.TelemetryAsync("good");

        for (var i = 0; i < 100; i++)
        {
            hub.Time.Advance(FailureLimits.IdentityInterval);
            Assert.Equal(401, (await cbs.PutAsync(hub.ForeignToken("/devices/bad"))).Status);
        }

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("still here")));
    }

    [Fact]
    public async Task Connection_WithTooManyAnswersThatWait_IsClosed()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        await GuessAsync(hub, "d1", FailureLimits.IdentityBurst);
        var session = await hub.Connect(remote: s_elsewhere).OpenAsync();
        var cbs = await session.CbsAsync();

        // A right token in between, so that it is not the failures in a row that end it.
        for (var i = 0; i < 20 && !session.Peer.Inbox.Any(f => f.Performative is Close); i++)
        {
            await cbs.Requests.SendAsync(PeerSteps.PutToken(hub.ForeignToken("/devices/d1")).ToArray());
            await cbs.Requests.SendAsync(PeerSteps.PutToken(hub.DeviceToken("d1")).ToArray());
        }

        Assert.Equal(ErrorCondition.UnauthorizedAccess, (await session.Peer.NextAsync<Close>()).Error!.Condition.Value);
    }

    [Fact]
    public async Task HttpGuesses_AreSlowedAndTheRightTokenIsNot()
    {
        await using var host = await ApiHost.StartAsync();
        var bad = host.Token(SymmetricKey.Generate(), ApiHost.HostName, "iothubowner");
        for (var i = 0; i < FailureLimits.IdentityBurst; i++)
            Assert.Equal(401, (await host.SendAsync("GET", "/devices", token: bad)).Status);

        var guessing = host.SendAsync("GET", "/devices", token: bad);
        await host.Log.WhenLoggedAsync("their answers are delayed");
        for (var i = 0; i < 30; i++)
            Assert.Equal(200, (await host.SendAsync("GET", "/devices")).Status);

        Assert.False(guessing.IsCompleted);
        host.Time.Advance(FailureLimits.DelayMax);
        Assert.Equal(401, (await guessing).Status);
    }

    private static async Task GuessAsync(TestHub hub, string deviceId, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var peer = hub.Connect(remote: s_nat);
            var outcome = await peer.SaslAsync(
                "PLAIN", PeerSteps.Plain($"{deviceId}@sas.hub1", hub.ForeignToken($"/devices/{deviceId}")));
            Assert.Equal(SaslCode.Auth, outcome.Code);
        }
    }
}
