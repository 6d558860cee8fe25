using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Security;

public sealed class TokenExpiryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(10)]
    public async Task Token_IsHonouredToTheEndOfTheSkew_AndNotATickLonger(int skewMinutes)
    {
        var hub = await TestHub.StartAsync(["d1"], TimeSpan.FromMinutes(skewMinutes));
        var token = hub.DeviceToken("d1");
        var claim = hub.Authenticator.Verify(token).Value;
        Assert.Equal(TestHub.Now.AddHours(1), claim.ExpiresAt);
        Assert.Equal(claim.ExpiresAt.AddMinutes(skewMinutes), claim.EnforcedAt);

        hub.Time.SetUtcNow(claim.EnforcedAt);
        Assert.Null(hub.Authenticator.Verify(token).Error);
        Assert.Null(hub.Authenticator.WhyRevoked(claim));

        hub.Time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(HubErrorCode.Unauthorized, hub.Authenticator.Verify(token).Error?.Code);
        Assert.Contains("2026-03-01T13:00:00Z", hub.Authenticator.WhyRevoked(claim)?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Skew_IsFiveMinutesByDefault_AndTenAtMost()
    {
        var hub = await TestHub.StartAsync(["d1"]);
        var claim = hub.Authenticator.Verify(hub.DeviceToken("d1")).Value;

        Assert.Equal(TimeSpan.FromMinutes(5), claim.EnforcedAt - claim.ExpiresAt);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => TestHub.StartAsync([], TimeSpan.FromSeconds(601)));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => TestHub.StartAsync([], TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public async Task Expiry_BeyondTheCalendar_IsItsEnd()
    {
        var hub = await TestHub.StartAsync(["d1"]);

        var claim = hub.Authenticator.Verify(
            TestHub.Token(hub.Key("d1"), $"{TestHub.Host}/devices/d1", expiry: SecurityLimits.ExpirySecondsMax));

        Assert.Equal(9999, claim.Value.EnforcedAt.Year);
    }

    [Fact]
    public async Task Claim_EndsWhenItsIdentityChanges()
    {
        var hub = await TestHub.StartAsync(["disabled", "deleted", "recreated", "rekeyed", "swapped", "other"]);
        var claims = new Dictionary<string, Claim>();
        foreach (var id in new[] { "disabled", "deleted", "recreated", "rekeyed", "swapped", "other" })
            claims[id] = hub.Authenticator.Verify(hub.DeviceToken(id)).Value;

        await hub.Registry.UpdateDeviceAsync(
            new() { DeviceId = "disabled", Status = DeviceStatus.Disabled }, IfMatch.Any, Cancellation);
        await hub.Registry.DeleteDeviceAsync("deleted", IfMatch.Any, Cancellation);
        var keys = hub.Registry.FindDevice("recreated")!.Authentication.Keys!;
        await hub.Registry.DeleteDeviceAsync("recreated", IfMatch.Any, Cancellation);
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "recreated", Authentication = new() { Keys = keys } }, Cancellation);
        await SetKeysAsync(hub, "rekeyed", k => k with { Primary = SymmetricKey.Generate() });
        await SetKeysAsync(hub, "swapped", k => new(k.Secondary, k.Primary));

        Assert.Equal(HubErrorCode.Unauthorized, hub.Authenticator.WhyRevoked(claims["disabled"])?.Code);
        Assert.Equal(HubErrorCode.DeviceNotFound, hub.Authenticator.WhyRevoked(claims["deleted"])?.Code);
        Assert.Equal(HubErrorCode.Unauthorized, hub.Authenticator.WhyRevoked(claims["recreated"])?.Code);
        Assert.Equal(HubErrorCode.Unauthorized, hub.Authenticator.WhyRevoked(claims["rekeyed"])?.Code);
        Assert.Null(hub.Authenticator.WhyRevoked(claims["swapped"]));
        Assert.Null(hub.Authenticator.WhyRevoked(claims["other"]));
    }

    [Fact]
    public async Task ModulesClaim_EndsWithTheModule_AndPoliciesClaimsStay()
    {
        var hub = await TestHub.StartAsync(["d1"]);
        var module = await hub.AddModuleAsync("d1", "m1");
        var claim = hub.Authenticator.Verify(
            TestHub.Token(module.Authentication.Keys!.Primary.Reveal(), $"{TestHub.Host}/devices/d1/modules/m1")).Value;
        var policy = hub.PolicyClaim("device", TestHub.Host);
        Assert.Null(hub.Authenticator.WhyRevoked(claim));

        await hub.Registry.DeleteModuleAsync("d1", "m1", IfMatch.Any, Cancellation);

        Assert.Equal(HubErrorCode.ModuleNotFound, hub.Authenticator.WhyRevoked(claim)?.Code);
        Assert.Null(hub.Authenticator.WhyRevoked(policy));
    }

    [Fact]
    public async Task Verification_AllocatesTheClaimAndTheIdentityOnly()
    {
        var hub = await TestHub.StartAsync(["d1"]);
        var token = hub.DeviceToken("d1");
        for (var i = 0; i < 100; i++)
            hub.Authenticator.Verify(token);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            hub.Authenticator.Verify(token);
        var perToken = (GC.GetAllocatedBytesForCurrentThread() - before) / 100;

        // The claim is 200 bytes; a device is read out of its compact record anew each time.
        Assert.InRange(perToken, 1, 1_200);
    }

    private static async Task SetKeysAsync(TestHub hub, string id, Func<SymmetricKeyPair, SymmetricKeyPair> change)
    {
        var keys = change(hub.Registry.FindDevice(id)!.Authentication.Keys!);
        Assert.True((await hub.Registry.UpdateDeviceAsync(
            new() { DeviceId = id, Authentication = new() { Keys = keys } }, IfMatch.Any, Cancellation)).IsOk);
    }
}
