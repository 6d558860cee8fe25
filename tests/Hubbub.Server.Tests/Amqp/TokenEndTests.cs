using Hubbub.Amqp.Performatives;
using Hubbub.Core.Identities;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>What happens on live connections when a token runs out or an operator takes something away.</summary>
public sealed class TokenEndTests
{
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task CbsToken_RunsOut_DetachesExactlyItsLinksFiveMinutesLater()
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"));
        var elsewhere = await hub.ConnectDeviceAsync("d1");
        var untouched = await elsewhere.TelemetryAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(hub.DeviceToken("d1", Minute));
        await cbs.PutAsync(hub.DeviceToken("d2"));
        var first = await session.TelemetryAsync("d1");
        var second = await session.TelemetryAsync("d2");

        await hub.AdvanceAsync(Minute + Skew - Second, session.Peer, elsewhere.Peer);
        Assert.IsType<Accepted>(await first.SendAndWaitAsync(Values.Message("in time")));
        await hub.AdvanceAsync(2 * Second, session.Peer, elsewhere.Peer);

        var error = await first.DetachedAsync();
        Assert.Equal(ErrorCondition.UnauthorizedAccess, error!.Condition.Value);
        Assert.StartsWith("Token Invalid.", error.Description, StringComparison.Ordinal);
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: link '{first.Name}' ended", "Token Invalid.");
        Assert.IsType<Accepted>(await second.SendAndWaitAsync(Values.Message("goes on")));
        Assert.IsType<Accepted>(await untouched.SendAndWaitAsync(Values.Message("goes on")));
        Assert.False(cbs.Replies.IsDetached);
        Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("d1"))).Status);
        await session.TelemetryAsync("d1");
    }

    [Fact]
    public async Task CbsToken_SentAfterItsEnd_IsNotStored()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(hub.DeviceToken("d1", Minute));
        var link = await session.TelemetryAsync("d1");

        await hub.AdvanceAsync(Minute + Skew + Second, session.Peer);
        await link.DetachedAsync();
        await link.SendAsync(Values.Message("too late"));
        await session.PingAsync();

        Assert.All(hub.Events.Log.Partitions, p => Assert.True(p.State.IsEmpty));
    }

    [Fact]
    public async Task Renewal_AHundredTimesUnderLoad_DisturbsNothing()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(hub.DeviceToken("d1", Minute));
        var link = await session.TelemetryAsync("d1");
        var sent = new List<uint>();

        for (var i = 0; i < 100; i++)
        {
            for (var j = 0; j < 5; j++)
                sent.Add(await link.SendAsync(Values.Message($"{i}.{j}")));
            hub.Time.Advance(Minute);
            Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken("d1", Minute))).Status);
        }

        foreach (var id in sent)
            Assert.IsType<Accepted>(await link.OutcomeAsync(id));
        Assert.DoesNotContain(session.Peer.Inbox, f => f.Performative is Detach or End or Close);
    }

    [Fact]
    public async Task Renewal_WithAShorterLife_Shortens()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(hub.DeviceToken("d1"));
        var link = await session.TelemetryAsync("d1");

        await cbs.PutAsync(hub.DeviceToken("d1", Minute));
        await hub.AdvanceAsync(Minute + Skew + Second, session.Peer);

        Assert.Equal(ErrorCondition.UnauthorizedAccess, (await link.DetachedAsync())!.Condition.Value);
    }

    [Fact]
    public async Task Renewal_ThatFails_KeepsTheOldToken()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(hub.DeviceToken("d1", Minute));
        var link = await session.TelemetryAsync("d1");

        var garbled = hub.DeviceToken("d1").Replace("sig=", "sig=AAAA", StringComparison.Ordinal);
        Assert.Equal(401, (await cbs.PutAsync(garbled)).Status);

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("x")));
        await hub.AdvanceAsync(Minute + Skew + Second, session.Peer);
        Assert.Equal(ErrorCondition.UnauthorizedAccess, (await link.DetachedAsync())!.Condition.Value);
    }

    [Fact]
    public async Task PlainToken_RunsOut_ClosesTheConnectionAndNoOther()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var other = await hub.ConnectDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1", Minute);
        var link = await session.TelemetryAsync("d1");

        await hub.AdvanceAsync(Minute + Skew - Second, session.Peer, other.Peer);
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("in time")));
        hub.Time.Advance(2 * Second);

        var close = await session.Peer.NextAsync<Close>();
        Assert.Equal(ErrorCondition.UnauthorizedAccess, close.Error!.Condition.Value);
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: closing", ErrorCondition.UnauthorizedAccess);
        await other.PingAsync();
    }

    [Fact]
    public async Task TwoClaimsForOneLink_TheFirstEnds_TheLinkStandsOnTheOther()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(hub.DeviceToken("d1", Minute));
        await cbs.PutAsync(hub.PolicyToken("device", life: 3 * Minute));
        var link = await session.TelemetryAsync("d1");

        await hub.AdvanceAsync(Minute + Skew + Second, session.Peer);
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("stands")));
        await hub.AdvanceAsync(2 * Minute, session.Peer);

        var error = await link.DetachedAsync();
        Assert.Equal(ErrorCondition.UnauthorizedAccess, error!.Condition.Value);
    }

    public static TheoryData<string, string, string> Takings => new()
    {
        { "disabled", ErrorCondition.UnauthorizedAccess, "disabled" },
        { "deleted", ErrorCondition.NotFound, "d1" },
        { "keys replaced", ErrorCondition.UnauthorizedAccess, "key" },
        { "registered anew", ErrorCondition.UnauthorizedAccess, "d1" },
    };

    [Theory]
    [MemberData(nameof(Takings))]
    public async Task Device_TakenAway_IsDetachedAtOnceAndOthersGoOn(string what, string condition, string text)
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"));
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(hub.DeviceToken("d1"));
        await cbs.PutAsync(hub.DeviceToken("d2"));
        var link = await session.TelemetryAsync("d1");
        var other = await session.TelemetryAsync("d2");

        await TakeAsync(hub, what);

        var error = await link.DetachedAsync();
        Assert.True(
            error!.Condition.Value == condition || (what == "registered anew" && error.Condition.Value == ErrorCondition.NotFound),
            error.Condition.Value);
        Assert.Contains(text, error.Description, StringComparison.Ordinal);
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: link '{link.Name}' ended");
        Assert.IsType<Accepted>(await other.SendAndWaitAsync(Values.Message("x")));
        Assert.False(other.IsDetached);
    }

    [Theory]
    [MemberData(nameof(Takings))]
    public async Task Device_TakenAway_ClosesItsPlainConnection(string what, string condition, string text)
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"));
        var other = await hub.ConnectDeviceAsync("d2");
        var session = await hub.ConnectDeviceAsync("d1");
        await session.TelemetryAsync("d1");

        await TakeAsync(hub, what);

        var close = await session.Peer.NextAsync<Close>();
        Assert.True(
            close.Error!.Condition.Value == condition
            || (what == "registered anew" && close.Error.Condition.Value == ErrorCondition.NotFound),
            close.Error.Condition.Value);
        Assert.Contains(text, close.Error.Description, StringComparison.Ordinal);
        await other.PingAsync();
    }

    [Theory]
    [InlineData("disabled", ErrorCondition.UnauthorizedAccess)]
    [InlineData("deleted", ErrorCondition.NotFound)]
    [InlineData("registered anew", null)]
    public async Task Device_TakenAway_EndsLinksThatAPolicyOpenedForIt(string what, string? condition)
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"));
        var session = await hub.ConnectServiceAsync("device");
        var link = await session.TelemetryAsync("d1");
        var other = await session.TelemetryAsync("d2");

        await TakeAsync(hub, what);

        var error = await link.DetachedAsync();
        if (condition is not null)
            Assert.Equal(condition, error!.Condition.Value);
        Assert.IsType<Accepted>(await other.SendAndWaitAsync(Values.Message("x")));
    }

    [Fact]
    public async Task Device_ChangedWithoutLosingAnything_NobodyIsDisturbed()
    {
        await using var hub = await TestHub.StartAsync();
        var device = await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");

        await hub.Core.Registry.UpdateDeviceAsync(
            new DeviceDescription { DeviceId = "d1", StatusReason = "fine", Authentication = device.Authentication },
            IfMatch.Any, TestContext.Current.CancellationToken);
        await hub.CreateDeviceAsync("d2");

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("x")));
        Assert.False(link.IsDetached);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Module_Deleted_IsDetached(bool byPolicy)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        await hub.CreateModuleAsync("d1", "m1");
        await hub.CreateModuleAsync("d1", "m2");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(byPolicy ? hub.PolicyToken("device") : hub.ModuleToken("d1", "m1"));
        await cbs.PutAsync(hub.ModuleToken("d1", "m2"));
        var link = await session.SenderAsync("/devices/d1/modules/m1/messages/events");
        var other = await session.SenderAsync("/devices/d1/modules/m2/messages/events");

        await hub.Core.Registry.DeleteModuleAsync("d1", "m1", IfMatch.Any, TestContext.Current.CancellationToken);

        var error = await link.DetachedAsync();
        Assert.Equal(ErrorCondition.NotFound, error!.Condition.Value);
        Assert.Contains("m1", error.Description, StringComparison.Ordinal);
        Assert.IsType<Accepted>(await other.SendAndWaitAsync(Values.Message("x")));
    }

    [Fact]
    public async Task Reader_TokenRunsOut_IsDetached()
    {
        await using var hub = await TestHub.StartAsync();
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        await cbs.PutAsync(hub.PolicyToken("service", life: Minute));
        var reader = await session.ReaderAsync(hub, 0);

        await hub.AdvanceAsync(Minute + Skew + Second, session.Peer);

        Assert.Equal(ErrorCondition.UnauthorizedAccess, (await reader.DetachedAsync())!.Condition.Value);
    }

    [Fact]
    public async Task ConsumerGroup_Deleted_DetachesItsReadersAndNoOthers()
    {
        await using var hub = await TestHub.StartAsync();
        var cancellation = TestContext.Current.CancellationToken;
        await hub.Core.Groups.CreateAsync("gone", cancellation);
        await hub.Core.Groups.CreateAsync("kept", cancellation);
        var session = await hub.ConnectServiceAsync();
        var gone = await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/GONE/Partitions/0");
        var kept = await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/kept/Partitions/0");

        await hub.Core.Groups.DeleteAsync("gone", cancellation);

        var error = await gone.DetachedAsync();
        Assert.Equal(ErrorCondition.NotFound, error!.Condition.Value);
        Assert.StartsWith("The messaging entity '", error.Description, StringComparison.Ordinal);
        Assert.Contains("gone' could not be found", error.Description, StringComparison.Ordinal);
        await session.PingAsync();
        Assert.False(kept.IsDetached);
        var again = await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/gone/Partitions/0");
        Assert.Equal(ErrorCondition.NotFound, again.Refusal?.Condition.Value);
    }

    [Fact]
    public async Task Hub_Stops_ClosesEveryConnectionAsForced()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var device = await hub.ConnectDeviceAsync("d1");
        await device.TelemetryAsync("d1");
        var bare = await hub.ConnectBareAsync();
        var fresh = hub.Connect();

        await hub.StopAsync();

        foreach (var session in new[] { device, bare })
        {
            var close = await session.Peer.NextAsync<Close>();
            Assert.Equal(ErrorCondition.ConnectionForced, close.Error!.Condition.Value);
            await session.Peer.SendAsync(0, new Close().Write);
            await session.Peer.WhenEndedAsync();
        }
        await fresh.WhenEndedAsync();
    }

    private static async Task TakeAsync(TestHub hub, string what)
    {
        var cancellation = TestContext.Current.CancellationToken;
        switch (what)
        {
            case "disabled":
                await hub.Core.Registry.UpdateDeviceAsync(
                    new() { DeviceId = "d1", Status = DeviceStatus.Disabled, StatusReason = "stolen" }, IfMatch.Any, cancellation);
                break;
            case "keys replaced":
                await hub.Core.Registry.UpdateDeviceAsync(
                    new DeviceDescription
                    {
                        DeviceId = "d1",
                        Authentication = new IdentityAuthentication { Keys = Core.Security.SymmetricKeyPair.Generate() },
                    },
                    IfMatch.Any, cancellation);
                break;
            default:
                await hub.Core.Registry.DeleteDeviceAsync("d1", IfMatch.Any, cancellation);
                if (what == "registered anew")
                    await hub.CreateDeviceAsync("d1");
                break;
        }
    }
}
