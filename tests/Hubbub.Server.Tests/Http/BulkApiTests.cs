using System.Text.Json;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Server.Tests.Http;

public sealed class BulkApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bulk_WithEveryModeInAnyCase_DoesWhatTheModeSays()
    {
        await using var hub = await ApiHost.StartAsync();
        var old = (await hub.Registry.CreateDeviceAsync(new() { DeviceId = "old" }, Cancellation)).Value;
        var gone = (await hub.Registry.CreateDeviceAsync(new() { DeviceId = "gone" }, Cancellation)).Value;
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "gone2" }, Cancellation);
        var upsert = (await hub.Registry.CreateDeviceAsync(new() { DeviceId = "upsert" }, Cancellation)).Value;

        var answer = await hub.SendAsync("POST", "/devices", $$"""
            [
              {"id":"new","importMode":"create","status":"disabled","authentication":{"type":"sas","symmetricKey":{"primaryKey":"","secondaryKey":""} } },
              {"id":"new","moduleId":"m1","importMode":"CREATE"},
              {"id":"old","importMode":"UpdateIfMatchETag","etag":"{{old.ETag}}","statusReason":"x","status":"Disabled"},
              {"id":"gone","importMode":"deleteIfMatchETAG","eTag":"\"{{gone.ETag}}\""},
              {"id":"gone2","importMode":"deleteIfMatchEtag","etag":"*"},
              {"id":"upsert","importMode":"createOrUpdateIfMatchETag","eTag":"W/\"{{upsert.ETag}}\"","statusReason":"y"},
              {"id":"default"},
              {"id":"fresh","importMode":"createOrUpdateIfMatchETag","eTag":"whatever","unknown":{"a":[1]} }
            ]
            """);

        Assert.Equal((200, """{"isSuccessful":true,"errors":[],"warnings":[]}"""), (answer.Status, answer.Body));
        Assert.Null(answer.ErrorCode);
        Assert.Equal(
            ["default", "fresh", "new", "old", "upsert"], hub.Registry.ListDevices(10).Select(d => d.DeviceId));
        Assert.Equal(DeviceStatus.Disabled, hub.Registry.FindDevice("new")!.Status);
        Assert.NotNull(hub.Registry.FindModule("new", "m1")!.Authentication.Keys);
        var changed = hub.Registry.FindDevice("old")!;
        Assert.Equal((DeviceStatus.Disabled, "x"), (changed.Status, changed.StatusReason));
        // Keys that the entry does not name stay as they are.
        Assert.True(changed.Authentication.Keys!.Primary.Equals(old.Authentication.Keys!.Primary));
        Assert.Equal("y", hub.Registry.FindDevice("upsert")!.StatusReason);
    }

    [Fact]
    public async Task Bulk_WhenSomeFail_DoesTheOthers_AndSaysWhichAndWhy()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "there" }, Cancellation);

        using var answer = await hub.SendForResponseAsync("POST", "/devices?api-version=2021-04-12", """
            [
              {"id":"there","importMode":"create"},
              {"id":"missing","importMode":"update"},
              {"id":"there","moduleId":"m","importMode":"updateIfMatchETag","eTag":"x"},
              {"id":"missing2","importMode":"deleteIfMatchETag"},
              {"id":"a b","importMode":"create"},
              {"id":"d1","importMode":"explode"},
              {"id":"d2","importMode":"create","authentication":{"symmetricKey":{"primaryKey":"short","secondaryKey":"short"}}},
              {"id":"d3","importMode":"updateTwin","tags":{"a":1}},
              {"id":"d4","importMode":"create","properties":{"desired":{"a":1}}},
              {"id":"twice","importMode":"create"},
              {"id":"twice","importMode":"create"},
              null,
              {"importMode":"create"},
              {"id":"good","importMode":"create","tags":{},"properties":{"desired":{"$version":1},"reported":{"a":1}}}
            ]
            """);

        var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).RootElement;
        Assert.Equal(400, (int)answer.StatusCode);
        Assert.Equal("BulkRegistryOperationFailure", answer.Headers.GetValues("iothub-errorcode").Single());
        Assert.Equal("BulkRegistryOperationFailure", answer.Headers.GetValues("IotHubErrorCode").Single());
        Assert.False(body.GetProperty("isSuccessful").GetBoolean());
        Assert.Equal(
            [
                "there:DeviceAlreadyExists:create", "missing:DeviceNotFound:update", "there/m:ModuleNotFound:updateIfMatchETag",
                "missing2:ArgumentNull:deleteIfMatchETag", "a b:ArgumentInvalid:create", "d1:ArgumentInvalid:explode",
                "d2:ArgumentInvalid:create", "d3:NotImplemented:updateTwin", "d4:NotImplemented:create",
                "twice:DeviceDefinedMultipleTimes:create", ":ArgumentInvalid:", ":ArgumentInvalid:create",
            ],
            body.GetProperty("errors").EnumerateArray().Select(e => (e.TryGetProperty("moduleId", out var m)
                ? $"{e.GetProperty("deviceId")}/{m}" : $"{e.GetProperty("deviceId")}")
                + $":{e.GetProperty("errorCode")}:{e.GetProperty("operation")}"));
        Assert.All(body.GetProperty("errors").EnumerateArray(), e => Assert.NotEmpty(e.GetProperty("errorStatus").GetString()!));
        Assert.DoesNotContain("short", body.ToString(), StringComparison.Ordinal);
        Assert.Equal(["good", "there", "twice"], hub.Registry.ListDevices(10).Select(d => d.DeviceId));
    }

    [Theory]
    [InlineData("[]", 400, "ArgumentInvalid")]
    [InlineData("", 400, "ArgumentInvalid")]
    [InlineData("null", 400, "ArgumentInvalid")]
    [InlineData("{}", 400, "ArgumentInvalid")]
    [InlineData("[{\"id\":7}]", 400, "ArgumentInvalid")]
    [InlineData("[{\"id\":\"a\",\"id\":\"b\"}]", 400, "ArgumentInvalid")]
    [InlineData("[{\"id\":\"a\"}", 400, "ArgumentInvalid")]
    public async Task Bulk_ThatIsNoListOfEntries_IsRefused(string body, int status, string code)
    {
        await using var hub = await ApiHost.StartAsync();

        var answer = await hub.SendAsync("POST", "/devices", body);

        Assert.Equal((status, code), (answer.Status, answer.ErrorCode));
        Assert.Equal(0, hub.Registry.DeviceCount);
    }

    [Fact]
    public async Task Bulk_OfMoreThanAHundred_IsRefusedAsAWhole()
    {
        await using var hub = await ApiHost.StartAsync();
        string Body(int count) => $"[{string.Join(',', Enumerable.Range(0, count).Select(i => $$"""{"id":"d{{i}}","importMode":"create"}"""))}]";

        var refused = await hub.SendAsync("POST", "/devices", Body(101));
        Assert.Equal((413, "TooManyDevices", 0), (refused.Status, refused.ErrorCode, hub.Registry.DeviceCount));
        Assert.Equal(200, (await hub.SendAsync("POST", "/devices/", Body(100))).Status);
        Assert.Equal(100, hub.Registry.DeviceCount);
        Assert.Equal(401, (await hub.SendAsync("POST", "/devices", Body(1), token: hub.Token(AccessPolicies.RegistryRead))).Status);
    }

    [Fact]
    public async Task Statistics_CountDevicesAndConnections()
    {
        await using var hub = await ApiHost.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            var status = i < 2 ? DeviceStatus.Disabled : DeviceStatus.Enabled;
            await hub.Registry.CreateDeviceAsync(new() { DeviceId = $"d{i}", Status = status }, Cancellation);
        }
        using var first = hub.Presence.Connect("d3", null);
        using var second = hub.Presence.Connect("d3", null);
        using var module = hub.Presence.Connect("d4", "m");

        Assert.Equal(
            """{"totalDeviceCount":5,"enabledDeviceCount":3,"disabledDeviceCount":2}""",
            (await hub.SendAsync("GET", "/statistics/devices")).Body);
        Assert.Equal("""{"connectedDeviceCount":1}""", (await hub.SendAsync("GET", "/statistics/service")).Body);
        foreach (var policy in new[] { AccessPolicies.Service, AccessPolicies.RegistryRead })
            Assert.Equal(200, (await hub.SendAsync("GET", "/Statistics/Service/", token: hub.Token(policy))).Status);
        Assert.Equal(401, (await hub.SendAsync("GET", "/statistics/devices", token: hub.Token(AccessPolicies.Service))).Status);
        Assert.Equal(401, (await hub.SendAsync("GET", "/statistics/service", token: hub.Token(AccessPolicies.Device))).Status);
    }

    [Theory]
    [InlineData("d1,d2/m1", "PrimaryKey", 200, 0)]
    [InlineData("d1,nosuch", "both", 207, 1)]
    [InlineData("nosuch,x509", "secondarykey", 400, 2)]
    public async Task Keys_Regenerated_AnswerAllSomeOrNone(string ids, string policyKey, int status, int errors)
    {
        await using var hub = await ApiHost.StartAsync();
        foreach (var id in new[] { "d1", "d2" })
            await hub.Registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);
        await hub.Registry.CreateModuleAsync(new() { DeviceId = "d2", ModuleId = "m1" }, Cancellation);
        await hub.Registry.CreateDeviceAsync(
            new() { DeviceId = "x509", Authentication = new() { Type = AuthenticationType.CertificateAuthority } }, Cancellation);
        var before = hub.Registry.FindDevice("d1")!.Authentication.Keys!;
        var devices = ids.Split(',').Select(id => id.Split('/')).Select(parts => parts.Length == 1
            ? $$"""{"id":"{{parts[0]}}"}""" : $$"""{"id":"{{parts[0]}}","moduleId":"{{parts[1]}}"}""");

        var answer = await hub.SendAsync(
            "POST", "/devices/keys/regenerate", $$"""{"policyKey":"{{policyKey}}","devices":[{{string.Join(',', devices)}}]}""");

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 400 ? "BulkRegenerateDeviceKeyOperationFailure" : null, answer.ErrorCode);
        Assert.Equal(errors, answer.Json.GetProperty("errors").GetArrayLength());
        var after = hub.Registry.FindDevice("d1")!.Authentication.Keys!;
        Assert.Equal(status == 400, before.Primary.Equals(after.Primary));
        Assert.Equal(status != 207, before.Secondary.Equals(after.Secondary));
        if (status != 400)
            Assert.Equal(after.Primary.Reveal(), answer.Json.GetProperty("rotatedKeys")[0].GetProperty("primaryKey").GetString());
    }

    [Fact]
    public async Task Keys_WithAnUnknownPolicyKey_Are400035()
    {
        await using var hub = await ApiHost.StartAsync();

        Assert.Equal((int)HubErrorCode.InvalidPolicyKey, 400035);
        var refused = await hub.SendAsync("POST", "/devices/keys/regenerate", """{"policyKey":"third","devices":[{"id":"d1"}]}""");
        Assert.Equal((400, "InvalidPolicyKey"), (refused.Status, refused.ErrorCode));
        Assert.Equal("InvalidPolicyKey", (await hub.SendAsync("POST", "/devices/keys/regenerate")).ErrorCode);
    }

    [Fact]
    public async Task NewKeys_OfADeviceNamedTwice_AreThoseThatHold()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.SendAsync("PUT", "/devices/d1", "{}");

        var answer = await hub.SendAsync(
            "POST", "/devices/keys/regenerate", """{"policyKey":"both","devices":[{"id":"d1"},{"id":"d1"}]}""");

        Assert.Equal(207, answer.Status);
        Assert.Equal("DeviceDefinedMultipleTimes", answer.Json.GetProperty("errors")[0].GetProperty("errorCode").GetString());
        var shown = Assert.Single(answer.Json.GetProperty("rotatedKeys").EnumerateArray());
        var device = await hub.SendAsync("GET", "/devices/d1");
        Assert.Equal(device.Text("authentication", "symmetricKey", "primaryKey"), shown.GetProperty("primaryKey").GetString());
    }
}
