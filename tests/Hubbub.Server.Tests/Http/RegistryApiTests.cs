using System.Net;
using System.Text.Json;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Server.Tests.Http;

public sealed class RegistryApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Device_LivesThroughCreateReadUpdateDelete()
    {
        await using var hub = await ApiHost.StartAsync();

        var created = await hub.SendAsync("PUT", "/devices/d1", """{"deviceId":"d1","status":"enabled"}""");
        Assert.Equal((200, "application/json; charset=utf-8"), (created.Status, created.ContentType));
        Assert.Equal($"\"{created.Text("etag")}\"", created.ETag);
        Assert.Equal("sas", created.Text("authentication", "type"));
        Assert.Equal("0001-01-01T00:00:00Z", created.Text("statusUpdatedTime"));
        Assert.Equal("Disconnected", created.Text("connectionState"));
        Assert.Equal("False", created.Text("capabilities", "iotEdge"));
        var thumbprints = created.Json.GetProperty("authentication").GetProperty("x509Thumbprint");
        Assert.Equal(JsonValueKind.Null, thumbprints.GetProperty("primaryThumbprint").ValueKind);
        var key = created.Text("authentication", "symmetricKey", "primaryKey");
        Assert.Equal(44, key.Length);
        Assert.Contains(key, created.Body, StringComparison.Ordinal); // As people copy it: + is not escaped.

        var read = await hub.SendAsync("GET", "/devices/d1");
        Assert.Equal(created with { }, read);

        hub.Time.Advance(TimeSpan.FromMinutes(1));
        var disabled = await hub.SendAsync(
            "PUT", "/devices/d1", """{"deviceId":"d1","status":"Disabled","statusReason":"stolen"}""", created.ETag);
        Assert.Equal(200, disabled.Status);
        Assert.Equal(("disabled", "stolen"), (disabled.Text("status"), disabled.Text("statusReason")));
        Assert.Equal("2026-03-01T12:01:00.0000000Z", disabled.Text("statusUpdatedTime"));
        Assert.Equal(key, disabled.Text("authentication", "symmetricKey", "primaryKey"));
        Assert.NotEqual(created.ETag, disabled.ETag);

        var deleted = await hub.SendAsync("DELETE", "/devices/d1", ifMatch: disabled.ETag);
        Assert.Equal((204, ""), (deleted.Status, deleted.Body));
        var gone = await hub.SendAsync("GET", "/devices/d1");
        Assert.Equal((404, "DeviceNotFound"), (gone.Status, gone.ErrorCode));
        Assert.StartsWith("ErrorCode:DeviceNotFound;", gone.Text("Message"), StringComparison.Ordinal);
        Assert.Matches("^Tracking ID:[0-9a-f]{32}-G:0-TimeStamp:03/01/2026 12:01:00$", gone.Text("ExceptionMessage"));
    }

    [Fact]
    public async Task StatusReason_Of128CharactersOfAnyKind_IsKept_AndAnotherOneIsTooMany()
    {
        await using var hub = await ApiHost.StartAsync();
        var reason = new string('\u7ef4', 128); // Three bytes each.

        var created = await hub.SendAsync("PUT", "/devices/d1", $$"""{"statusReason":"{{reason}}"}""");
        Assert.Equal((200, reason), (created.Status, created.Text("statusReason")));
        Assert.Equal(reason, (await hub.SendAsync("GET", "/devices/d1")).Text("statusReason"));

        var refused = await hub.SendAsync("PUT", "/devices/d2", $$"""{"statusReason":"{{reason}}x"}""");
        Assert.Equal((400, "ArgumentInvalid"), (refused.Status, refused.ErrorCode));
    }

    [Fact]
    public async Task Device_AsCSharpSendsItBack_IsUpdated()
    {
        await using var hub = await ApiHost.StartAsync();
        var created = await hub.SendAsync("PUT", "/devices/d1", "{}");
        var body = created.Body.Replace("\"status\":\"enabled\"", "\"status\":\"disabled\"", StringComparison.Ordinal)
            .Replace("\"cloudToDeviceMessageCount\":0", "\"cloudToDeviceMessageCount\":0,\"somethingNew\":{\"a\":[1]}", StringComparison.Ordinal);

        var updated = await hub.SendAsync("PUT", "/devices/d1", body, "\"*\"");

        Assert.Equal((200, "disabled"), (updated.Status, updated.Text("status")));
        Assert.Equal(created.Text("generationId"), updated.Text("generationId"));
    }

    [Fact]
    public async Task Device_AsNodeSendsItWithoutKeys_GetsRandomOnes()
    {
        await using var hub = await ApiHost.StartAsync();

        var created = await hub.SendAsync(
            "PUT",
            "/devices/d1?",
            """{"deviceId":"d1","status":"enabled","authentication":{"type":"sas","symmetricKey":{"primaryKey":"","secondaryKey":""}}}""");

        Assert.Equal(200, created.Status);
        Assert.Equal(44, created.Text("authentication", "symmetricKey", "secondaryKey").Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    public async Task Put_WithoutABody_ChangesNothing(string body)
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.SendAsync("PUT", "/devices/d1", """{"status":"disabled"}""");

        foreach (var path in (string[])["/devices/d1", "/devices/d2", "/devices/d1/modules/m1"])
        {
            var refused = await hub.SendAsync("PUT", path, body, path == "/devices/d1" ? "*" : null);
            Assert.Equal((400, "ArgumentNull"), (refused.Status, refused.ErrorCode));
        }

        Assert.Equal("disabled", (await hub.SendAsync("GET", "/devices/d1")).Text("status"));
        Assert.Equal(404, (await hub.SendAsync("GET", "/devices/d2")).Status);
        Assert.Equal(404, (await hub.SendAsync("GET", "/devices/d1/modules/m1")).Status);
    }

    [Theory]
    [InlineData("""{"deviceId":"other"}""", "another device")]
    [InlineData("""{"status":"paused"}""", "status")]
    [InlineData("""{"authentication":{"type":"magic"}}""", "authentication type")]
    [InlineData("""{"authentication":{"symmetricKey":{"primaryKey":"c2VjcmV0LXNlY3JldC1zZWNyZXQ="}}}""", "both or neither")]
    [InlineData(
        """{"authentication":{"symmetricKey":{"primaryKey":"c2VjcmV0LXNlY3JldC1zZWNyZXQ=","secondaryKey":"c2VjcmV0LXNlY3JldC1zZWNyZXQ"}}}""",
        "base64")]
    [InlineData("""{"authentication":{"type":"selfSigned"}}""", "thumbprint")]
    [InlineData(
        """{"authentication":{"type":"sas","x509Thumbprint":{"primaryThumbprint":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}}""",
        "thumbprints do not go")]
    [InlineData("""{"status":1}""", "$.status")]
    [InlineData("""{"status":"enabled","status":"disabled"}""", "line 1")]
    [InlineData("""{"deviceId":"d1",}""", "line 1")]
    [InlineData("""[]""", "line 1")]
    [InlineData("""{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}""", "line 1")]
    public async Task BadBody_IsArgumentInvalid_AndNoKeyIsEchoed(string body, string expected)
    {
        await using var hub = await ApiHost.StartAsync();

        var refused = await hub.SendAsync("PUT", "/devices/d1", body);

        Assert.Equal((400, "ArgumentInvalid"), (refused.Status, refused.ErrorCode));
        Assert.Contains(expected, refused.ErrorText, StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0", refused.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(hub.Log.Lines, l => l.Contains("c2VjcmV0", StringComparison.Ordinal));
        Assert.Equal(404, (await hub.SendAsync("GET", "/devices/d1")).Status);
    }

    [Fact]
    public async Task CertificateDevice_ShowsItsThumbprintsAndNoKeys()
    {
        await using var hub = await ApiHost.StartAsync();
        var print = new string('a', 64);

        var created = await hub.SendAsync(
            "PUT", "/devices/x1", """{"authentication":{"symmetricKey":{"primaryKey":null,"secondaryKey":null},"x509Thumbprint":{"primaryThumbprint":"@"}}}"""
                .Replace("@", print, StringComparison.Ordinal));

        Assert.Equal((200, "selfSigned"), (created.Status, created.Text("authentication", "type")));
        Assert.Equal(print, created.Text("authentication", "x509Thumbprint", "primaryThumbprint"));
        Assert.Equal(JsonValueKind.Null, created.Json.GetProperty("authentication").GetProperty("symmetricKey").GetProperty("primaryKey").ValueKind);
    }

    [Fact]
    public async Task Create_OfAnExistingDevice_Is409_AndUpdateOrDeleteOfAMissingOne404()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.SendAsync("PUT", "/devices/d1", "{}");

        var conflict = await hub.SendAsync("PUT", "/devices/d1", "{}");
        Assert.Equal((409, "DeviceAlreadyExists"), (conflict.Status, conflict.ErrorCode));
        Assert.Equal("A device with ID 'd1' is already registered.", conflict.ErrorText);
        Assert.Equal(404, (await hub.SendAsync("PUT", "/devices/d2", "{}", "*")).Status);
        Assert.Equal(404, (await hub.SendAsync("DELETE", "/devices/d2", ifMatch: "*")).Status);
        Assert.Equal(400, (await hub.SendAsync("DELETE", "/devices/d1")).Status); // Without a condition.
    }

    [Theory]
    [InlineData("{0}", 200)]
    [InlineData("\"{0}\"", 200)]
    [InlineData("W/\"{0}\"", 200)]
    [InlineData("*", 200)]
    [InlineData("\"*\"", 200)]
    [InlineData("\"AAAA\"", 412)]
    public async Task Condition_InEachSpelling_IsCompared(string spelling, int status)
    {
        await using var hub = await ApiHost.StartAsync();
        var created = await hub.SendAsync("PUT", "/devices/d1", "{}");
        var header = string.Format(System.Globalization.CultureInfo.InvariantCulture, spelling, created.Text("etag"));

        var updated = await hub.SendAsync("PUT", "/devices/d1", "{}", header);

        Assert.Equal(status, updated.Status);
        if (status == 412)
            Assert.Equal("PreconditionFailed", updated.ErrorCode);
    }

    [Fact]
    public async Task AwkwardIds_AreDecodedOnceFromTheRawTarget()
    {
        await using var hub = await ApiHost.StartAsync();
        foreach (var id in new[] { "a%b", "a#b", "a?b", "a+b", "%2F", "%252F", "...", "x;y=z,@$'!*()_-.:", "query" })
        {
            // Node, C#: everything escaped; a raw spelling where the target allows one.
            foreach (var spelling in new[] { Uri.EscapeDataString(id), WebUtility.UrlEncode(id) }.Distinct())
            {
                await hub.SendAsync("DELETE", $"/devices/{spelling}", ifMatch: "*");
                var created = await hub.SendAsync("PUT", $"/devices/{spelling}", JsonSerializer.Serialize(new { deviceId = id }));
                Assert.Equal(200, created.Status);
                Assert.Equal(id, created.Text("deviceId"));
                Assert.NotNull(hub.Registry.FindDevice(id));
            }
        }
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("PUT")]
    public async Task ExactId_ThatLooksEscaped_IsNeverThatOfAnotherDevice(string method)
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.SendAsync("PUT", "/devices/A", "{}");
        const string Target = "/devices/%2541?api-version=2021-04-12";
        (string, string)[] headers = [("Hubbub-Exact-Ids", "true"), ("If-Match", "*")];

        using (var other = await hub.SendForResponseAsync(method, Target, "{}", headers: headers))
            Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.NotNull(hub.Registry.FindDevice("A"));
        await hub.SendAsync("PUT", "/devices/%2541", "{}");
        using (var own = await hub.SendForResponseAsync(method, Target, "{}", headers: headers))
            Assert.True(own.IsSuccessStatusCode);
        Assert.NotNull(hub.Registry.FindDevice("A"));
    }

    [Theory]
    [InlineData("PUT", "/devices/")]
    [InlineData("DELETE", "/devices/d1/modules/")]
    public async Task EmptyId_IsCalledSo(string method, string path)
    {
        await using var hub = await ApiHost.StartAsync();

        var answer = await hub.SendAsync(method, path, "{}", "*");

        Assert.Equal(405, answer.Status);
        Assert.EndsWith("which takes an id behind it: it is missing or empty.", answer.ErrorText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/devices%2Fd1")]
    [InlineData("/devices%2fd1")]
    [InlineData("/devices/d1/")]
    [InlineData("/DEVICES/d1")]
    public async Task Device_IsFoundUnderEachSpellingOfThePath(string path)
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.SendAsync("PUT", "/devices/d1", "{}");

        Assert.Equal("d1", (await hub.SendAsync("GET", path)).Text("deviceId"));
    }

    [Theory]
    [InlineData("/devices/../devices/d1")]
    [InlineData("/devices/./d1")]
    [InlineData("/devices//d1")]
    [InlineData("/devices/%2e%2e/devices/d1")]
    [InlineData("/devices/%2E")]
    [InlineData("/devices/a%01b")]
    public async Task Path_WithEmptyOrRelativeSegments_IsRefusedAndNotNormalised(string path)
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.SendAsync("PUT", "/devices/d1", "{}");

        Assert.Equal(400, (await hub.SendAsync("GET", path)).Status);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a\"b")]
    [InlineData("é")]
    public async Task Id_BeyondTheAlphabet_IsRefused(string id)
    {
        await using var hub = await ApiHost.StartAsync();

        var refused = await hub.SendAsync("PUT", $"/devices/{Uri.EscapeDataString(id)}", "{}");

        Assert.Equal((400, "ArgumentInvalid"), (refused.Status, refused.ErrorCode));
    }

    [Fact]
    public async Task List_IsBoundedByTop()
    {
        await using var hub = await ApiHost.StartAsync();
        foreach (var id in new[] { "b", "a", "c" })
            await hub.SendAsync("PUT", $"/devices/{id}", "{}");

        Assert.Equal(["a", "b", "c"], Ids(await hub.SendAsync("GET", "/devices")));
        Assert.Equal(["a", "b", "c"], Ids(await hub.SendAsync("GET", "/devices/?top=1000")));
        Assert.Equal(["a", "b"], Ids(await hub.SendAsync("GET", "/devices?TOP=2")));
        foreach (var top in new[] { "0", "1001", "-1", "x", "" })
            Assert.Equal(400, (await hub.SendAsync("GET", $"/devices?top={top}")).Status);

        static IEnumerable<string> Ids(Answer answer) => answer.Json.EnumerateArray().Select(d => d.GetProperty("deviceId").GetString()!);
    }

    [Fact]
    public async Task Modules_LiveBelowTheirDevice()
    {
        await using var hub = await ApiHost.StartAsync();
        Assert.Equal("DeviceNotFound", (await hub.SendAsync("PUT", "/devices/d1/modules/m1", "{}")).ErrorCode);
        await hub.SendAsync("PUT", "/devices/d1", "{}");

        var created = await hub.SendAsync("PUT", "/devices/d1/modules/m1", """{"deviceId":"d1","moduleId":"m1","managedBy":"me"}""");
        Assert.Equal(200, created.Status);
        Assert.Equal(("m1", "d1", "me"), (created.Text("moduleId"), created.Text("deviceId"), created.Text("managedBy")));
        Assert.Equal($"\"{created.Text("etag")}\"", created.ETag);
        Assert.False(created.Json.TryGetProperty("status", out _));
        Assert.Equal("ModuleAlreadyExistsOnDevice", (await hub.SendAsync("PUT", "/devices/d1/modules/m1", "{}")).ErrorCode);
        Assert.Equal(200, (await hub.SendAsync("PUT", "/devices/d1/modules/m1", "{}", created.ETag)).Status);
        Assert.Equal(412, (await hub.SendAsync("DELETE", "/devices/d1/modules/m1", ifMatch: created.ETag)).Status);
        Assert.Equal("m1", (await hub.SendAsync("GET", "/devices/d1/modules")).Json[0].GetProperty("moduleId").GetString());
        Assert.Equal(204, (await hub.SendAsync("DELETE", "/devices/d1/modules/m1", ifMatch: "*")).Status);
        Assert.Equal((404, "ModuleNotFound"), await hub.SendAsync("GET", "/devices/d1/modules/m1") is var a ? (a.Status, a.ErrorCode) : default);
    }

    [Fact]
    public async Task ConnectedDevice_IsShownAsConnected()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.SendAsync("PUT", "/devices/d1", "{}");
        using var link = hub.Presence.Connect("d1", null);

        var device = await hub.SendAsync("GET", "/devices/d1");

        Assert.Equal("Connected", device.Text("connectionState"));
        Assert.Equal("2026-03-01T12:00:00.0000000Z", device.Text("lastActivityTime"));
    }

    [Theory]
    [InlineData(AccessPolicies.Owner, true, true)]
    [InlineData(AccessPolicies.RegistryReadWrite, true, true)]
    [InlineData(AccessPolicies.RegistryRead, true, false)]
    [InlineData(AccessPolicies.Service, false, false)]
    [InlineData(AccessPolicies.Device, false, false)]
    public async Task EachPolicy_MayDoWhatItsRightsSay(string policy, bool mayRead, bool mayWrite)
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);
        await hub.Registry.CreateModuleAsync(new() { DeviceId = "d1", ModuleId = "m1" }, Cancellation);
        var token = hub.Token(policy);
        (string Method, string Path)[] reads =
            [("GET", "/devices"), ("GET", "/devices/d1"), ("GET", "/devices/d1/modules"), ("GET", "/devices/d1/modules/m1")];
        (string Method, string Path)[] writes =
        [
            ("PUT", "/devices/d1"), ("PUT", "/devices/d1/modules/m1"), ("DELETE", "/devices/d1/modules/m1"), ("DELETE", "/devices/d1"),
        ];

        foreach (var (method, path) in reads)
            AssertAllowed(mayRead, await hub.SendAsync(method, path, token: token));
        foreach (var (method, path) in writes)
            AssertAllowed(mayWrite, await hub.SendAsync(method, path, method == "PUT" ? "{}" : null, "*", token));

        void AssertAllowed(bool isAllowed, Answer answer)
        {
            if (isAllowed)
            {
                Assert.InRange(answer.Status, 200, 204);
                return;
            }
            Assert.Equal((401, "IotHubUnauthorizedAccess"), (answer.Status, answer.ErrorCode));
            Assert.StartsWith($"Authorization rule '{policy}' does not allow access for ", answer.ErrorText, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task NarrowToken_ReachesItsDeviceOnly()
    {
        await using var hub = await ApiHost.StartAsync();
        foreach (var id in new[] { "d1", "d10" })
            await hub.Registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);
        var token = hub.Token(resource: $"{ApiHost.HostName}/devices/d1");

        Assert.Equal(200, (await hub.SendAsync("GET", "/devices/d1", token: token)).Status);
        Assert.Equal(401, (await hub.SendAsync("GET", "/devices/d10", token: token)).Status);
        Assert.Equal(401, (await hub.SendAsync("GET", "/devices", token: token)).Status);
        Assert.Equal(401, (await hub.SendAsync("GET", "/devices/D1", token: token)).Status);
    }

    [Fact]
    public async Task Disable_OverHttp_TellsTheListenersOfTheRegistry()
    {
        await using var hub = await ApiHost.StartAsync();
        var changes = new List<IdentityChangeKind>();
        using var subscription = hub.Registry.Subscribe(change => changes.Add(change.Kind));

        await hub.SendAsync("PUT", "/devices/d1", "{}");
        await hub.SendAsync("PUT", "/devices/d1", """{"status":"disabled"}""", "*");

        Assert.Equal([IdentityChangeKind.Created, IdentityChangeKind.Disabled], changes);
    }
}
