using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Security;

/// <summary>What a claim covers: matrices of rights, scopes and addresses.</summary>
public sealed class ClaimScopeTests
{
    private static readonly string[] Devices = ["d1", "d10", "D1", "d1x", "m1"];

    private static readonly string[] Scopes =
    [
        "", "/", "/devices", "/devices/", "/Devices", "/devices/d1", "/devices/d1/", "/DEVICES/d1", "/devices/d10", "/devices/D1",
        "/devices/d1x", "/devices/d1/messages", "/devices/d1/messages/events", "/devices/d1/Messages/Events", "/devices/d1/message",
        "/devices/d1/modules", "/devices/d1/modules/m1", "/devices/d1/modules/M1", "/devices/d1/modules/m1/messages/events",
        "/devices/d", "/device", "/messages", "/messages/events", "/twins/d1",
    ];

    [Fact]
    public async Task PolicyScope_CoversWholeSegmentsOnly()
    {
        var hub = await TestHub.StartAsync(Devices);
        string?[] modules = [null, "m1", "M1", "d1"];
        var pairs = 0;
        foreach (var scope in Scopes)
        {
            var claim = hub.PolicyClaim("device", TestHub.Host + scope);
            foreach (var device in Devices)
            {
                foreach (var module in modules)
                {
                    var address = (module is null ? $"devices/{device}" : $"devices/{device}/modules/{module}") + "/messages/events";
                    Assert.True(
                        IsCovered(scope.Trim('/'), address) == claim.AllowsDevice(device, module, "messages/events"),
                        $"scope '{scope}', address '{address}'");
                    pairs++;
                }
            }
        }
        Assert.InRange(pairs, 200, int.MaxValue);
    }

    [Fact]
    public async Task DeviceClaim_OpensItsOwnIdentityOnly()
    {
        var hub = await TestHub.StartAsync(Devices);
        var module = await hub.AddModuleAsync("d1", "m1");
        var device = hub.Authenticator.Verify(hub.DeviceToken("d1")).Value;
        var itsModule = hub.Authenticator.Verify(
            TestHub.Token(module.Authentication.Keys!.Primary.Reveal(), $"{TestHub.Host}/devices/d1/modules/m1")).Value;
        var narrow = hub.Authenticator.Verify(
            TestHub.Token(hub.Key("d1"), $"{TestHub.Host}/devices/d1/messages/events")).Value;

        Assert.True(device.AllowsDevice("d1", null, "messages/events"));
        Assert.True(device.AllowsDevice("d1", null, "twin"));
        Assert.True(itsModule.AllowsDevice("d1", "m1", "messages/events"));
        Assert.True(narrow.AllowsDevice("d1", null, "messages/events"));
        Assert.False(narrow.AllowsDevice("d1", null, "twin"));
        Assert.False(narrow.AllowsDevice("d1", null));
        foreach (var other in Devices.Where(d => d != "d1"))
            Assert.False(device.AllowsDevice(other, null, "messages/events"));
        Assert.False(device.AllowsDevice("d1", "m1", "messages/events"));
        Assert.False(itsModule.AllowsDevice("d1", null, "messages/events"));
        Assert.False(itsModule.AllowsDevice("d10", "m1", "messages/events"));
        foreach (var claim in new[] { device, itsModule })
        {
            Assert.False(claim.AllowsService(AccessRights.DeviceConnect, "devices/d1"));
            Assert.False(claim.AllowsService(AccessRights.RegistryRead, "devices/d1"));
            Assert.False(claim.AllowsEntity(TestHub.Entity, "ConsumerGroups/$Default/Partitions/0"));
        }
    }

    [Theory]
    [InlineData("iothubowner", true, true, true, true)]
    [InlineData("service", false, true, false, false)]
    [InlineData("device", true, false, false, false)]
    [InlineData("registryRead", false, false, true, false)]
    [InlineData("registryReadWrite", false, false, true, true)]
    public async Task PolicyRights_OpenTheirEndpointsOnly(string policy, bool device, bool service, bool read, bool write)
    {
        var hub = await TestHub.StartAsync(["d1"]);
        var claim = hub.PolicyClaim(policy, TestHub.Host);

        Assert.Equal(device, claim.AllowsDevice("d1", null, "messages/events"));
        Assert.Equal(service, claim.AllowsService(AccessRights.ServiceConnect, "messages/deviceBound"));
        Assert.Equal(service, claim.AllowsEntity(TestHub.Entity, "ConsumerGroups/$Default/Partitions/0"));
        Assert.Equal(service, claim.AllowsEntity(TestHub.Entity, "$management"));
        Assert.Equal(read, claim.AllowsService(AccessRights.RegistryRead, "devices/d1"));
        Assert.Equal(write, claim.AllowsService(AccessRights.RegistryWrite, "devices/d1"));
        Assert.Equal(
            write && service,
            claim.AllowsService(AccessRights.RegistryWrite | AccessRights.ServiceConnect, "hubbub/consumer-groups"));
    }

    [Theory]
    [InlineData("", "ConsumerGroups/$Default/Partitions/0", true)]
    [InlineData("/messages", "ConsumerGroups/$Default/Partitions/0", true)]
    [InlineData("/messages/events", "ConsumerGroups/$Default/Partitions/0", true)]
    [InlineData("/messages/events", "$management", true)]
    [InlineData("/Messages/Events/consumergroups/$default", "ConsumerGroups/$Default/Partitions/3", true)]
    [InlineData("/messages/events/ConsumerGroups/other", "ConsumerGroups/$Default/Partitions/3", false)]
    [InlineData("/messages/deviceBound", "ConsumerGroups/$Default/Partitions/0", false)]
    [InlineData("/" + TestHub.Entity, "ConsumerGroups/$Default/Partitions/0", true)]
    [InlineData("/" + TestHub.Entity, "", true)]
    [InlineData("/" + TestHub.Entity + "/ConsumerGroups/$Default/Partitions/0", "ConsumerGroups/$Default/Partitions/0", true)]
    [InlineData("/" + TestHub.Entity + "/ConsumerGroups/$Default/Partitions/0", "ConsumerGroups/$Default/Partitions/01", false)]
    [InlineData("/" + TestHub.Entity + "/ConsumerGroups/$Default/Partitions/1", "ConsumerGroups/$Default/Partitions/0", false)]
    [InlineData("/" + TestHub.Entity + "/$management", "$management", true)]
    [InlineData("/" + TestHub.Entity + "/$management", "ConsumerGroups/$Default/Partitions/0", false)]
    [InlineData("/" + TestHub.Entity + "x", "ConsumerGroups/$Default/Partitions/0", false)]
    [InlineData("/iothub-ehub", "ConsumerGroups/$Default/Partitions/0", false)]
    [InlineData("/devices", "ConsumerGroups/$Default/Partitions/0", false)]
    public async Task EntityScope_MayNameTheEntityOrItsAlias(string scope, string path, bool expected)
    {
        var hub = await TestHub.StartAsync([]);

        Assert.Equal(expected, hub.PolicyClaim("service", "sb://" + TestHub.Host + scope).AllowsEntity(TestHub.Entity, path));
    }

    [Theory]
    [InlineData("/devices/d1", "devices/d1", true)]
    [InlineData("/devices/d1", "devices/d1/modules/m1", true)]
    [InlineData("/devices/d1", "devices/D1", false)]
    [InlineData("/devices/d1", "devices", false)]
    [InlineData("/devices/d1", "devices/d1x", false)]
    [InlineData("/devices/d1/modules/m1", "devices/d1/modules/M1", false)]
    [InlineData("/twins/d1", "twins/D1", false)]
    [InlineData("/messages/devicebound", "messages/deviceBound", true)]
    public async Task ServiceScope_ComparesIdsOrdinallyAndWordsIgnoringCase(string scope, string path, bool expected)
    {
        var hub = await TestHub.StartAsync([]);

        Assert.Equal(expected, hub.PolicyClaim("iothubowner", TestHub.Host + scope).AllowsService(AccessRights.None, path));
    }

    /// <summary>The rule written a second time, as a list comparison: words ignoring case, ids ordinally.</summary>
    private static bool IsCovered(string scope, string address)
    {
        var scopeSegments = scope.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var segments = address.Split('/');
        if (scopeSegments.Length > segments.Length)
            return false;
        for (var i = 0; i < scopeSegments.Length; i++)
        {
            var isId = i == 1 || (i == 3 && segments[2] == "modules");
            if (!string.Equals(scopeSegments[i], segments[i], isId ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase))
                return false;
        }
        return true;
    }
}
