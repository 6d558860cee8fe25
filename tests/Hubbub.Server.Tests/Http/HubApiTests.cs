using Hubbub.Core;
using Hubbub.Core.Security;
using Hubbub.Server.Http;

namespace Hubbub.Server.Tests.Http;

public sealed class HubApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutACredential_EveryDocumentedPathIs401()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);

        foreach (var path in new[] { "/devices", "/devices/d1", "/devices/nosuch", "/twins/d1", "/jobs/v2", "/hubbub/consumer-groups" })
        {
            var refused = await hub.SendRawAsync("GET", path + "?api-version=2021-04-12", null, null, null);
            Assert.Equal((401, "IotHubUnauthorizedAccess", "Authorization header missing."), (refused.Status, refused.ErrorCode, refused.ErrorText));
        }
    }

    [Fact]
    public async Task BadCredentials_Are401_AndTellNothingOfDevices()
    {
        await using var hub = await ApiHost.StartAsync();
        var device = (await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;
        var key = device.Authentication.Keys!.Primary;
        string[] tokens =
        [
            "Bearer x", "SharedAccessSignature", hub.Token(lifeSeconds: -301), hub.Token(resource: "other.example.org"),
            hub.Token(SymmetricKey.Generate(), ApiHost.HostName, "iothubowner"),
            hub.Token(key, $"{ApiHost.HostName}/devices/nosuch"),
        ];

        foreach (var token in tokens)
        {
            var refused = await hub.SendAsync("GET", "/devices/d1", token: token);
            Assert.Equal((401, "IotHubUnauthorized"), (refused.Status, refused.ErrorCode));
        }
        // A device's own token is genuine, but opens no registry.
        var genuine = await hub.SendAsync("GET", "/devices/d1", token: hub.Token(key, $"{ApiHost.HostName}/devices/d1"));
        Assert.Equal((401, "IotHubUnauthorizedAccess"), (genuine.Status, genuine.ErrorCode));
    }

    [Fact]
    public async Task ApiVersion_IsRequired_AndMayBeAny()
    {
        await using var hub = await ApiHost.StartAsync();

        var refused = await hub.SendRawAsync("GET", "/devices", null, null, hub.Token());
        Assert.Equal((400, "ArgumentInvalid"), (refused.Status, refused.ErrorCode));
        foreach (var version in new[] { "2016-11-14", "2020-05-31-preview", "2024-03-31" })
            Assert.Equal(200, (await hub.SendRawAsync("GET", $"/devices?api-version={version}", null, null, hub.Token())).Status);
    }

    [Theory]
    [InlineData("GET", "/twins/d1")]
    [InlineData("POST", "/twins/d1/methods")]
    [InlineData("GET", "/jobs/v2/query")]
    [InlineData("GET", "/configurations")]
    [InlineData("GET", "/digitaltwins/d1")]
    [InlineData("POST", "/devices/d1/files")]
    public async Task DocumentedPath_ThatIsNotServed_SaysSo(string method, string path)
    {
        await using var hub = await ApiHost.StartAsync();

        var refused = await hub.SendAsync(method, path, method == "POST" ? "{}" : null);

        Assert.Equal((501, "NotImplemented"), (refused.Status, refused.ErrorCode));
        Assert.Contains(path, refused.ErrorText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/nothing")]
    [InlineData("/hubbub")]
    [InlineData("/hubbub/other")]
    [InlineData("/devices/d1/nothing")]
    [InlineData("/devices/d1/modules/m1/messages")]
    public async Task UnknownPath_Is404(string path)
    {
        await using var hub = await ApiHost.StartAsync();

        Assert.Equal((404, "GenericNotFound"), await hub.SendAsync("GET", path) is var a ? (a.Status, a.ErrorCode) : default);
    }

    [Theory]
    [InlineData("PATCH", "/devices/d1")]
    [InlineData("POST", "/devices/d1/modules/m1")]
    [InlineData("DELETE", "/hubbub/consumer-groups")]
    [InlineData("POST", "/hubbub/consumer-groups/g")]
    public async Task MethodThatAServedPathDoesNotTake_Is405(string method, string path)
    {
        await using var hub = await ApiHost.StartAsync();

        Assert.Equal(405, (await hub.SendAsync(method, path)).Status);
    }

    [Fact]
    public async Task Body_BeyondOneMebibyte_Is413()
    {
        await using var hub = await ApiHost.StartAsync();

        var refused = await hub.SendAsync("PUT", "/devices/d1", "{\"x\":\"" + new string('x', ApiLimits.BodyBytesMax) + "\"}");

        Assert.Equal((413, "GenericRequestEntityTooLarge"), (refused.Status, refused.ErrorCode));
    }

    [Theory]
    [InlineData("GET /devices/%00 HTTP/1.1")]
    [InlineData("GET \\devices HTTP/1.1")]
    [InlineData("GET /devices/d1\u0001 HTTP/1.1")]
    public async Task HostileTarget_Is400(string requestLine)
    {
        await using var hub = await ApiHost.StartAsync();

        var status = await hub.SendBytesAsync($"{requestLine}\r\nHost: x\r\nAuthorization: {hub.Token()}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400", status, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusal_IsLoggedWithItsReason_AndWithoutTheSignature()
    {
        await using var hub = await ApiHost.StartAsync();
        var token = hub.Token(lifeSeconds: -1000);

        await hub.SendAsync("GET", "/devices/d1", token: token);

        var line = Assert.Single(hub.Log.Lines);
        Assert.Contains("GET /devices/d1 from 127.0.0.1 was refused with 401 IotHubUnauthorized", line, StringComparison.Ordinal);
        Assert.Contains("expired", line, StringComparison.Ordinal);
        Assert.DoesNotContain("sig=", line, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryErrorCode_HasAStatusAndAName()
    {
        foreach (var code in Enum.GetValues<HubErrorCode>())
        {
            Assert.InRange(HttpErrors.StatusOf(code), 400, 599);
            Assert.Matches("^[A-Za-z]+$", HttpErrors.NameOf(code));
        }
    }

    [Fact]
    public async Task ConsumerGroups_AreListedMadeAndDeleted_ByTheOwnerOnly()
    {
        await using var hub = await ApiHost.StartAsync();
        const string groups = "/hubbub/consumer-groups";

        var created = await hub.SendAsync("PUT", $"{groups}/Dashboards", "{}");
        Assert.Equal((200, "Dashboards", hub.Settings.EntityName), (created.Status, created.Text("name"), created.Text("entity")));
        Assert.Equal(200, (await hub.SendAsync("PUT", $"{groups}/dashboards")).Status);
        Assert.Equal(
            ["$Default", "Dashboards"],
            (await hub.SendAsync("GET", groups)).Json.EnumerateArray().Select(g => g.GetProperty("name").GetString()));
        Assert.Equal("$Default", (await hub.SendAsync("GET", $"{groups}/%24default")).Text("name"));
        Assert.Equal(204, (await hub.SendAsync("DELETE", $"{groups}/DASHBOARDS")).Status);
        Assert.Equal((404, "GenericNotFound"), await hub.SendAsync("GET", $"{groups}/Dashboards") is var a ? (a.Status, a.ErrorCode) : default);
        Assert.Equal("InvalidOperation", (await hub.SendAsync("DELETE", $"{groups}/$Default")).ErrorCode);
        Assert.Equal("ArgumentInvalid", (await hub.SendAsync("PUT", $"{groups}/a%20b")).ErrorCode);
        foreach (var policy in new[] { AccessPolicies.Service, AccessPolicies.RegistryReadWrite, AccessPolicies.Device })
            Assert.Equal(401, (await hub.SendAsync("PUT", $"{groups}/x", token: hub.Token(policy))).Status);
    }
}
