using System.Text.RegularExpressions;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Http;

namespace Hubbub.Server.Tests.Http;

public sealed partial class HostileHttpTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryOperation_RefusesOthersWithTheDocumentedBody()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "nosuch" }, Cancellation);
        foreach (var route in hub.Api.Routes.All.Where(r => !r.IsPublic))
        {
            // Who fails often waits; a while later nobody remembers.
            hub.Time.Advance(TimeSpan.FromMinutes(10));
            var path = Parameter().Replace(route.Template, "x");
            var body = route.Method == "GET" ? null : "{\"a\":";
            (string Target, string? Token, int[] Statuses)[] attempts =
            [
                ($"{path}?api-version=1", null, [401]),
                ($"{path}?api-version=1", "Bearer eyJhbGciOiJub25lIn0.e30.", [401]),
                ($"{path}?api-version=1", hub.Token(lifeSeconds: -301), [401]),
                ($"{path}?api-version=1", hub.Token(resource: $"{ApiHost.HostName}/devices/other"), [401, 501]),
                ($"{path}?api-version=1", hub.Token(SymmetricKey.Generate(), ApiHost.HostName, "iothubowner"), [401]),
                (path, hub.Token(), [400]),
                ($"{path}?api-version=", hub.Token(), [400]),
            ];
            foreach (var (target, token, statuses) in attempts)
            {
                var answer = await hub.SendRawAsync(route.Method, target, body, null, token);
                AssertRefusal(answer, $"{route.Method} {target}");
                Assert.Contains(answer.Status, statuses);
            }
            var wrongMethod = await hub.SendRawAsync("TRACE", $"{path}?api-version=1", null, null, hub.Token());
            AssertRefusal(wrongMethod, path);
            Assert.Equal(405, wrongMethod.Status);
        }
        Assert.Single(hub.Registry.ListDevices(10));
    }

    [Theory]
    [InlineData("OPTIONS", "/devices/d1")]
    [InlineData("HEAD", "/devices/d1/messages/deviceBound")]
    [InlineData("POST", "/devices/d1")]
    [InlineData("BREW", "/devices")]
    public async Task OtherMethods_Are405_AndToldWhatIsAllowed(string method, string path)
    {
        await using var hub = await ApiHost.StartAsync();

        using var answer = await hub.SendForResponseAsync(method, path + "?api-version=1");

        Assert.Equal(405, (int)answer.StatusCode);
        Assert.NotEmpty(answer.Content.Headers.Allow);
        Assert.DoesNotContain(method, answer.Content.Headers.Allow);
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("/devices/..%2Fpolicies")]
    [InlineData("/devices/%2e%2e/x")]
    [InlineData("/devices/./x")]
    [InlineData("/devices//x")]
    [InlineData("/devices/%2F%2Fx")]
    [InlineData("/devices/d%0d%0aX:y")]
    [InlineData("/devices/d%7f")]
    [InlineData("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q")]
    [InlineData("/devices/d%00", true)] // Refused by the server below, which writes no body.
    public async Task Path_WithTricks_Is400(string path, bool isBare = false)
    {
        await using var hub = await ApiHost.StartAsync();

        var answer = await hub.SendAsync("PUT", path, "{}");

        if (!isBare)
            AssertRefusal(answer, path);
        Assert.Equal(400, answer.Status);
        Assert.Equal(0, hub.Registry.DeviceCount);
    }

    [Theory]
    [InlineData("d%C3%A9")]
    [InlineData("d%EF%BC%AF")]
    [InlineData("%E2%80%8B")]
    [InlineData("a%20b")]
    [InlineData("a%22b")]
    [InlineData("a%5Cb")]
    [InlineData("a%7Eb")]
    [InlineData("a%3Cb%3E")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task Id_OutsideTheAlphabet_IsRefused(string id)
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);

        var device = await hub.SendAsync("PUT", $"/devices/{id}", "{}");
        var module = await hub.SendAsync("PUT", $"/devices/d1/modules/{id}", "{}");

        foreach (var answer in new[] { device, module })
        {
            AssertRefusal(answer, id);
            Assert.Equal((400, "ArgumentInvalid"), (answer.Status, answer.ErrorCode));
        }
        Assert.Equal(404, (await hub.SendAsync("GET", $"/devices/{id}")).Status);
    }

    [Theory]
    [InlineData("a%2Fb", "a%252Fb")]
    [InlineData("100%", "100%25")]
    [InlineData("%41", "%2541")]
    [InlineData("a#b?c", "a%23b%3fc")]
    [InlineData("-:.+%_#*?!(),=@;$'", "-:.%2B%25_%23*%3F!(),=@;$%27")]
    [InlineData("query", "query")]
    [InlineData("CON", "CON")]
    public async Task Id_WithLegalCharactersOfMeaning_IsThatDeviceAndNoOther(string id, string escaped)
    {
        await using var hub = await ApiHost.StartAsync();

        var created = await hub.SendAsync("PUT", $"/devices/{escaped}", "{}");

        Assert.Equal((200, id), (created.Status, created.Text("deviceId")));
        Assert.Equal(id, Assert.Single(hub.Registry.ListDevices(10)).DeviceId);
        foreach (var spelling in new[] { escaped, Uri.EscapeDataString(id), Uri.EscapeDataString(Uri.EscapeDataString(id)) })
        {
            foreach (var path in new[] { $"/devices/{spelling}", $"/devices%2F{spelling}", $"/Devices/{spelling}/" })
                Assert.Equal((200, id), await hub.SendAsync("GET", path) is { Status: 200 } a ? (200, a.Text("deviceId")) : (404, path));
        }
        Assert.Equal(200, (await hub.SendAsync("PUT", $"/devices/{Uri.EscapeDataString(Uri.EscapeDataString(id))}", "{}", "*")).Status);
        Assert.Single(hub.Registry.ListDevices(10));
    }

    [Fact]
    public async Task ScopeOfAToken_IsThatOfTheDeviceThatIsMeant_HoweverItIsEscaped()
    {
        await using var hub = await ApiHost.StartAsync();
        foreach (var id in new[] { "d1", "secret", "d%31" })
            await hub.Registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);
        var token = hub.Token(resource: $"{ApiHost.HostName}/devices/d1");

        Assert.Equal("d1", (await hub.SendAsync("GET", "/devices/%64%31", token: token)).Text("deviceId"));
        foreach (var path in new[]
        {
            "/devices/secret", "/devices/%73ecret", "/devices/%2573ecret", "/devices/d1%2F..%2Fsecret", "/devices/d%2531",
            "/devices/d1/../secret", "/devices", "/devices/D1", "/devices/d1%20",
        })
        {
            var answer = await hub.SendAsync("GET", path, token: token);
            Assert.Contains(answer.Status, new[] { 400, 401 });
            Assert.DoesNotContain("primaryKey", answer.Body, StringComparison.Ordinal);
        }
        // A narrow token learns from no answer which other devices there are.
        Assert.Equal(
            (await hub.SendAsync("GET", "/devices/%2573ecret", token: token)).ErrorText.Replace("%73ecret", "X", StringComparison.Ordinal),
            (await hub.SendAsync("GET", "/devices/%2573nosuch", token: token)).ErrorText.Replace("%73nosuch", "X", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[1]")]
    [InlineData("\"x\"")]
    [InlineData("{\"status\":1}")]
    [InlineData("{\"status\":\"gone\"}")]
    [InlineData("{\"authentication\":\"x\"}")]
    [InlineData("{\"authentication\":{\"type\":\"magic\"}}")]
    [InlineData("{\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}}")]
    [InlineData("{\"authentication\":{\"type\":\"sas\",\"x509Thumbprint\":{\"primaryThumbprint\":\"00\"}}}")]
    [InlineData("{\"authentication\":{\"type\":\"selfSigned\"}}")]
    [InlineData("{\"deviceId\":\"other\"}")]
    [InlineData("{\"status\":\"enabled\",\"STATUS\":\"disabled\"}")]
    [InlineData("{\"deviceId\":\"d1\"} {}")]
    [InlineData("{\"x\":\"\\ud800\",\"deviceId\":\"\\ud800\"}")]
    public async Task Body_ThatIsNoDevice_Is400_AndQuotesNothingOfIt(string body)
    {
        await using var hub = await ApiHost.StartAsync();

        var answer = await hub.SendAsync("PUT", "/devices/d1", body);

        AssertRefusal(answer, body);
        Assert.Equal((400, 0), (answer.Status, hub.Registry.DeviceCount));
        Assert.DoesNotContain("AAAA", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_DeeperThanItsBound_Is400_AndUnknownMembersAreIgnored()
    {
        await using var hub = await ApiHost.StartAsync();
        string Nested(int depth) => $"{{\"x\":{string.Concat(Enumerable.Repeat("[", depth))}{string.Concat(Enumerable.Repeat("]", depth))}}}";

        Assert.Equal(400, (await hub.SendAsync("PUT", "/devices/d1", Nested(100_000))).Status);
        Assert.Equal(400, (await hub.SendAsync("PUT", "/devices/d1", Nested(ApiLimits.JsonDepthMax))).Status);
        Assert.Equal(200, (await hub.SendAsync("PUT", "/devices/d1", Nested(ApiLimits.JsonDepthMax - 2))).Status);
    }

    [Theory]
    [InlineData("If-Match", "\"\"", 412)]
    [InlineData("If-Match", "W/\"x\"", 412)]
    [InlineData("If-Match", "\u0001", 412)]
    [InlineData("If-Match", "*", 200)]
    [InlineData("If-Match", "\"*\"", 200)]
    [InlineData("If-Match", "W/\"*\"", 200)]
    public async Task Condition_InAnySpelling_IsUnderstood(string name, string value, int status)
    {
        await using var hub = await ApiHost.StartAsync();
        var etag = (await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value.ETag;

        var line = await hub.SendBytesAsync(
            $"PUT /devices/d1?api-version=1 HTTP/1.1\r\nHost: x\r\nAuthorization: {hub.Token()}\r\n{name}: {value}\r\nContent-Length: 2\r\n\r\n{{}}");

        Assert.StartsWith($"HTTP/1.1 {status}", line, StringComparison.Ordinal);
        Assert.Equal(status == 200, hub.Registry.FindDevice("d1")!.ETag != etag);
    }

    [Fact]
    public async Task EveryAnswer_HasAnIdOfItsOwn()
    {
        await using var hub = await ApiHost.StartAsync();
        var ids = new HashSet<string>();
        foreach (var path in new[] { "/devices", "/devices/nosuch", "/nothing", "/devices/..", "/hubbub/openapi.json" })
        {
            using var answer = await hub.SendForResponseAsync("GET", path + "?api-version=1");
            Assert.True(ids.Add(answer.Headers.GetValues("x-ms-request-id").Single()));
        }
    }

    private static void AssertRefusal(Answer answer, string what)
    {
        Assert.InRange(answer.Status, 400, 599);
        Assert.Equal("application/json; charset=utf-8", answer.ContentType);
        var members = answer.Json.EnumerateObject().Select(m => m.Name);
        Assert.True(members.SequenceEqual(["Message", "ExceptionMessage"]), $"{what}: {answer.Body}");
        Assert.Matches($"^ErrorCode:{answer.ErrorCode};.+", answer.Text("Message"));
        Assert.Matches(
            "^Tracking ID:[0-9a-f]{32}-G:0-TimeStamp:03/0[0-9]/2026 [0-9]{2}:[0-9]{2}:[0-9]{2}$", answer.Text("ExceptionMessage"));
        Assert.DoesNotContain("   at ", answer.Body, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Parameter();
}
