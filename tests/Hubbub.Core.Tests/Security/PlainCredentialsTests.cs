using System.Text;
using CsCheck;
using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Security;

public sealed class PlainCredentialsTests
{
    [Theory]
    [InlineData("d1@sas.factory", PlainUserKind.Device, "d1", null)]
    [InlineData("d1@SAS.Factory", PlainUserKind.Device, "d1", null)]
    [InlineData("d1@sas.factory.example.org", PlainUserKind.Device, "d1", null)]
    [InlineData("d1@sas.gateway.local", PlainUserKind.Device, "d1", null)]
    [InlineData("d1@factory", PlainUserKind.Device, "d1", null)]
    [InlineData("a@b@sas.factory", PlainUserKind.Device, "a@b", null)]
    [InlineData("a%40b%23@sas.factory", PlainUserKind.Device, "a@b#", null)]
    [InlineData("d1/modules/m1@sas.factory", PlainUserKind.Module, "d1", "m1")]
    [InlineData("d1/Modules/m%231@sas.factory", PlainUserKind.Module, "d1", "m#1")]
    [InlineData("iothubowner@sas.root.factory", PlainUserKind.Policy, "iothubowner", null)]
    [InlineData("iothubowner@sas.root.factory.example.org", PlainUserKind.Policy, "iothubowner", null)]
    [InlineData("service", PlainUserKind.PolicyKey, "service", null)]
    public async Task UserName_OfEachForm_IsTakenApart(string userName, PlainUserKind kind, string name, string? module)
    {
        var hub = await TestHub.StartAsync([]);

        var credentials = PlainCredentials.Parse(Encoding.UTF8.GetBytes($"\0{userName}\0secret"), hub.Identity);

        Assert.Null(credentials.Error);
        Assert.Equal((kind, name, module), (credentials.Value.Kind, credentials.Value.Name, credentials.Value.ModuleId));
        Assert.DoesNotContain("secret", credentials.Value.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0d1@sas.factory")]
    [InlineData("\0d1@sas.factory\0a\0b")]
    [InlineData("\0\0s3cret")]
    [InlineData("\0@sas.factory\0s3cret")]
    [InlineData("\0d1@sas.other\0s3cret")]
    [InlineData("\0d1@sas.\0s3cret")]
    [InlineData("\0a b@sas.factory\0s3cret")]
    [InlineData("\0..@sas.factory\0s3cret")]
    [InlineData("\0a%00@sas.factory\0s3cret")]
    [InlineData("\0d1/m1@sas.factory\0s3cret")]
    [InlineData("\0d1/modules/@sas.factory\0s3cret")]
    [InlineData("\0d1/modules/m1/x@sas.factory\0s3cret")]
    [InlineData("\0@sas.root.factory\0s3cret")]
    public async Task Response_OfAnyOtherForm_IsUnauthorized(string response)
    {
        var hub = await TestHub.StartAsync([]);

        var error = PlainCredentials.Parse(Encoding.UTF8.GetBytes(response), hub.Identity).Error;

        Assert.Equal(HubErrorCode.Unauthorized, error?.Code);
        Assert.DoesNotContain("s3cret", error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_ThatIsNotUtf8OrTooLong_IsUnauthorized()
    {
        var hub = await TestHub.StartAsync([]);

        Assert.False(PlainCredentials.Parse([0, 0xC3, 0x28, 0, 65], hub.Identity).IsOk);
        Assert.False(PlainCredentials.Parse(new byte[100_000], hub.Identity).IsOk);
        Gen.OneOf(Gen.Byte, Gen.Const((byte)0)).Array[0, 80].Sample(bytes =>
        {
            var parsed = PlainCredentials.Parse(bytes, hub.Identity);
            Assert.True(parsed.IsOk || parsed.Error!.Code == HubErrorCode.Unauthorized);
        });
    }

    [Fact]
    public void HubCalledRoot_StillTellsDevicesFromPolicies()
    {
        var root = new Core.Identities.HubIdentity(["root.example.org"], "entity");

        Assert.Equal(PlainUserKind.Device, PlainCredentials.Parse("d1@sas.root", "", root).Value.Kind);
        Assert.Equal(PlainUserKind.Device, PlainCredentials.Parse("d1@sas.root.example.org", "", root).Value.Kind);
        Assert.Equal(PlainUserKind.Policy, PlainCredentials.Parse("p@sas.root.root", "", root).Value.Kind);
    }

    [Fact]
    public async Task DevicesToken_IsGoodForThatDeviceOnly()
    {
        var hub = await TestHub.StartAsync(["d1", "d2"]);
        var module = await hub.AddModuleAsync("d1", "m1");
        var moduleToken = TestHub.Token(
            module.Authentication.Keys!.Primary.Reveal(), $"{TestHub.Host}/devices/d1/modules/m1");

        Assert.Equal("d1", Verify(hub, "d1@sas.factory", hub.DeviceToken("d1")).Value.DeviceId);
        Assert.Equal("m1", Verify(hub, "d1/modules/m1@sas.factory", moduleToken).Value.ModuleId);
        AssertRefused(hub, "d2@sas.factory", hub.DeviceToken("d1"));
        AssertRefused(hub, "D1@sas.factory", hub.DeviceToken("d1"));
        AssertRefused(hub, "d1/modules/m1@sas.factory", hub.DeviceToken("d1"));
        AssertRefused(hub, "d1@sas.factory", moduleToken);
        AssertRefused(hub, "d1@sas.factory", hub.Key("d1"));
    }

    [Fact]
    public async Task PoliciesToken_IsGoodForThatPolicy_AndForDevicesWithinItsScope()
    {
        var hub = await TestHub.StartAsync(["d1", "d2"]);
        var whole = hub.PolicyToken("device", TestHub.Host);
        var narrow = hub.PolicyToken("device", $"{TestHub.Host}/devices/d1/messages/events");

        Assert.Equal("device", Verify(hub, "device@sas.root.factory", whole).Value.PolicyName);
        AssertRefused(hub, "iothubowner@sas.root.factory", whole);
        AssertRefused(hub, "d1@sas.root.factory", hub.DeviceToken("d1"));
        Assert.Equal("device", Verify(hub, "d2@sas.factory", whole).Value.PolicyName);
        Assert.Equal("device", Verify(hub, "d1@sas.factory", narrow).Value.PolicyName);
        AssertRefused(hub, "d2@sas.factory", narrow);
        AssertRefused(hub, "d1@sas.factory", hub.PolicyToken("service", TestHub.Host));
    }

    [Fact]
    public async Task RawKey_ProvesAPolicy_AsEventHubsClientsSendIt()
    {
        var hub = await TestHub.StartAsync(["d1"]);
        var keys = hub.Policies.Find("service")!.Keys;

        foreach (var key in new[] { keys.Primary.Reveal(), keys.Secondary.Reveal() })
        {
            var claim = Verify(hub, "service", key).Value;
            Assert.True(claim.AllowsEntity(TestHub.Entity, "ConsumerGroups/$Default/Partitions/0"));
            Assert.False(claim.AllowsDevice("d1", null));
            Assert.Null(hub.Authenticator.WhyRevoked(claim));
        }
        AssertRefused(hub, "service", hub.PolicyKey("device"));
        AssertRefused(hub, "nosuch", keys.Primary.Reveal());
        AssertRefused(hub, "service", "");
        AssertRefused(hub, "service@sas.root.factory", keys.Primary.Reveal());
    }

    private static HubResult<Claim> Verify(TestHub hub, string userName, string password) =>
        hub.Authenticator.Verify(PlainCredentials.Parse(userName, password, hub.Identity).Value);

    private static void AssertRefused(TestHub hub, string userName, string password)
    {
        var error = Verify(hub, userName, password).Error;
        Assert.NotNull(error);
        Assert.True(error.Code is HubErrorCode.Unauthorized or HubErrorCode.DeviceNotFound, error.Message);
        if (password.Length > 0)
            Assert.DoesNotContain(password, error.Message, StringComparison.Ordinal);
    }
}
