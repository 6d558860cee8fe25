using System.Net;
using System.Text.Json;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Http;

namespace Hubbub.Server.Tests.Http;

public sealed class QueryApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Query_ForDevices_GivesTwins()
    {
        await using var hub = await ApiHost.StartAsync();
        var edge = (await hub.Registry.CreateDeviceAsync(new() { DeviceId = "e1", IotEdge = true }, Cancellation)).Value;
        await hub.Registry.CreateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Disabled, StatusReason = "lost" }, Cancellation);

        var page = await QueryAsync(hub, "select * from devices");

        Assert.Equal(("Twin", null), (page.ItemType, page.Continuation));
        Assert.Equal("""
            {"deviceId":"d1","etag":"AAAAAAAAAAE=","deviceEtag":"{0}","status":"disabled","statusReason":"lost",
            "statusUpdateTime":"0001-01-01T00:00:00Z","connectionState":"Disconnected","lastActivityTime":"0001-01-01T00:00:00Z",
            "cloudToDeviceMessageCount":0,"authenticationType":"sas","x509Thumbprint":{"primaryThumbprint":null,"secondaryThumbprint":null},
            "modelId":"","version":2,"properties":{"desired":{"$metadata":{"$lastUpdated":"0001-01-01T00:00:00Z"},"$version":1},
            "reported":{"$metadata":{"$lastUpdated":"0001-01-01T00:00:00Z"},"$version":1}},
            "capabilities":{"iotEdge":false}}
            """.ReplaceLineEndings("").Replace("{0}", hub.Registry.FindDevice("d1")!.ETag, StringComparison.Ordinal),
            page.Rows[0].GetRawText());
        Assert.Equal(edge.DeviceScope, page.Rows[1].GetProperty("deviceScope").GetString());
        Assert.True(page.Rows[1].GetProperty("capabilities").GetProperty("iotEdge").GetBoolean());
    }

    [Fact]
    public async Task Query_OfTheExplorer_GivesItsColumns()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);
        using var link = hub.Presence.Connect("d1", null);

        var page = await QueryAsync(hub, """

              SELECT deviceId as DeviceId, status as Status, lastActivityTime as LastActivityTime, statusUpdatedTime as StatusUpdatedTime,
                authenticationType as AuthenticationType, cloudToDeviceMessageCount as CloudToDeviceMessageCount, connectionState as ConnectionState,
                capabilities.iotEdge as IotEdge, modelId as ModelId FROM devices WHERE STARTSWITH(devices.deviceId, 'd')
            """);

        Assert.Equal("Raw", page.ItemType);
        Assert.Equal(
            """
            {"DeviceId":"d1","Status":"enabled","LastActivityTime":"2026-03-01T12:00:00.0000000Z",
            "StatusUpdatedTime":"0001-01-01T00:00:00Z","AuthenticationType":"sas",
            "CloudToDeviceMessageCount":0,"ConnectionState":"Connected","IotEdge":false,"ModelId":""}
            """.ReplaceLineEndings(""),
            Assert.Single(page.Rows).GetRawText());
    }

    [Fact]
    public async Task Scan_BeyondThoseThatRunAndWait_IsRefused_WithATimeToComeAgain()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);
        var others = Enumerable.Range(0, ApiLimits.ScansMax + ApiLimits.ScansWaitingMax)
            .Select(_ => hub.Api.Scans.TryEnterAsync(Cancellation).AsTask()).ToArray();
        const string Target = "/devices/query?api-version=2021-04-12";

        using var refused = await hub.SendForResponseAsync("POST", Target, "{\"query\":\"SELECT * FROM devices\"}");
        Assert.Equal((HttpStatusCode)429, refused.StatusCode);
        Assert.Equal("2", refused.Headers.GetValues("Retry-After").Single());
        var answer = await Answer.ReadAsync(refused);
        Assert.Equal("ThrottlingException", answer.ErrorCode);
        Assert.EndsWith("or name the devices (WHERE deviceId IN [...]), which is not limited.", answer.ErrorText, StringComparison.Ordinal);
        Assert.Single((await QueryAsync(hub, "SELECT * FROM devices WHERE deviceId = 'd1'")).Rows);

        foreach (var other in others)
        {
            Assert.True(await other);
            hub.Api.Scans.Leave();
        }
        for (var i = 0; i <= others.Length; i++)
            Assert.Single((await QueryAsync(hub, "SELECT * FROM devices")).Rows);
    }

    [Fact]
    public async Task Query_ForModules_GivesTheirTwins()
    {
        await using var hub = await ApiHost.StartAsync();
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "e1", IotEdge = true }, Cancellation);
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);
        await hub.Registry.CreateModuleAsync(new() { DeviceId = "d1", ModuleId = "m1" }, Cancellation);

        foreach (var (query, expected) in new[]
        {
            ("SELECT * FROM devices.modules", "d1/m1 e1/$edgeAgent e1/$edgeHub"),
            ("SELECT * FROM devices.modules WHERE deviceId in ['e1']", "e1/$edgeAgent e1/$edgeHub"),
            ("select * from devices.modules where devices.deviceId = 'd1'", "d1/m1"),
            ("select * from devices.modules where devices.modules.moduleId = '$edgeHub' and properties.desired.$version = 1", "e1/$edgeHub"),
        })
        {
            var page = await QueryAsync(hub, query);
            Assert.Equal("Twin", page.ItemType);
            Assert.Equal(expected, string.Join(' ', page.Rows.Select(r => $"{r.GetProperty("deviceId")}/{r.GetProperty("moduleId")}")));
        }
    }

    [Theory]
    [InlineData("SELECT * FROM devices", 25, 4)]
    [InlineData("SELECT * FROM devices", 30, 5)]
    [InlineData("SELECT deviceId FROM devices WHERE status = 'enabled'", 25, 7)]
    [InlineData("SELECT deviceId FROM devices.modules", 25, 3)]
    [InlineData("SELECT TOP 7 deviceId FROM devices", 25, 3)]
    [InlineData("SELECT TOP 6 deviceId FROM devices", 25, 3)]
    [InlineData("SELECT deviceId FROM devices WHERE deviceId IN ['d03','d01','d02','x']", 25, 2)]
    public async Task Pages_GiveEveryRowOnce_AndTheLastHasNoContinuation(string query, int devices, int size)
    {
        await using var hub = await ApiHost.StartAsync();
        for (var i = 0; i < devices; i++)
        {
            await hub.Registry.CreateDeviceAsync(new() { DeviceId = $"d{i:00}" }, Cancellation);
            for (var m = 0; m < i % 3; m++)
                await hub.Registry.CreateModuleAsync(new() { DeviceId = $"d{i:00}", ModuleId = $"m{m}" }, Cancellation);
        }
        var expected = (await QueryAsync(hub, query)).Rows.Select(r => r.GetRawText()).ToList();

        var seen = new List<string>();
        var pages = 0;
        string? continuation = null;
        do
        {
            var page = await QueryAsync(hub, query, size, continuation);
            Assert.True(page.Rows.Length == size || page.Continuation is null);
            Assert.NotEmpty(page.Rows);
            // Asked again with the same token, the hub answers the same.
            var again = await QueryAsync(hub, query, size, continuation);
            Assert.Equal(page.Rows.Select(r => r.GetRawText()), again.Rows.Select(r => r.GetRawText()));
            seen.AddRange(page.Rows.Select(r => r.GetRawText()));
            continuation = page.Continuation;
            pages++;
        }
        while (continuation is not null);

        Assert.Equal(expected, seen);
        Assert.Equal((expected.Count + size - 1) / size, pages);
    }

    [Fact]
    public async Task Continuation_OfAnotherQueryOrInvented_IsRefused()
    {
        await using var hub = await ApiHost.StartAsync();
        for (var i = 0; i < 3; i++)
            await hub.Registry.CreateDeviceAsync(new() { DeviceId = $"d{i}" }, Cancellation);
        var token = (await QueryAsync(hub, "SELECT * FROM devices", 1)).Continuation!;

        foreach (var (query, continuation) in new[]
        {
            ("SELECT deviceId FROM devices", token), ("SELECT * FROM devices", token[..^4]), ("SELECT * FROM devices", "0"),
            ("SELECT * FROM devices", "A" + token), ("SELECT * FROM devices", new string('A', 4000)), ("SELECT * FROM devices", "../../x"),
        })
        {
            using var refused = await SendAsync(hub, query, 1, continuation);
            if (continuation == token[..^4] && refused.IsSuccessStatusCode)
                continue; // What is left may still name a place.
            Assert.Equal(400, (int)refused.StatusCode);
            Assert.Equal("ArgumentInvalid", refused.Headers.GetValues("iothub-errorcode").Single());
        }
    }

    [Theory]
    [InlineData("SELECT COUNT() AS n FROM devices", 501, "NotImplemented")]
    [InlineData("SELECT * FROM devices.jobs", 501, "NotImplemented")]
    [InlineData("SELECT *", 400, "ArgumentInvalid")]
    [InlineData("", 400, "ArgumentInvalid")]
    public async Task Query_ThatCannotBeAnswered_IsRefused(string query, int status, string code)
    {
        await using var hub = await ApiHost.StartAsync();

        using var refused = await SendAsync(hub, query);

        Assert.Equal(status, (int)refused.StatusCode);
        Assert.Equal(code, refused.Headers.GetValues("iothub-errorcode").Single());
    }

    [Fact]
    public async Task Query_NeedsServiceConnect_AndABodyThatNamesIt()
    {
        await using var hub = await ApiHost.StartAsync();
        const string body = """{"query":"SELECT * FROM devices"}""";

        Assert.Equal(200, (await hub.SendAsync("POST", "/devices/query", body, token: hub.Token(AccessPolicies.Service))).Status);
        foreach (var policy in new[] { AccessPolicies.Device, AccessPolicies.RegistryReadWrite })
            Assert.Equal(401, (await hub.SendAsync("POST", "/devices/query", body, token: hub.Token(policy))).Status);
        Assert.Equal(400, (await hub.SendAsync("POST", "/devices/query", "{}")).Status);
        Assert.Equal(400, (await hub.SendAsync("POST", "/devices/query", """{"query":7}""")).Status);
        var long_ = JsonSerializer.Serialize(new { query = "SELECT * FROM devices" + new string(' ', 8192) });
        Assert.Equal((412, "PreconditionFailed"), await hub.SendAsync("POST", "/devices/query", long_) is var a ? (a.Status, a.ErrorCode) : default);
        // A device may be called query; it is still reached by the other methods.
        Assert.Equal(200, (await hub.SendAsync("PUT", "/devices/query", "{}")).Status);
    }

    [Theory]
    [InlineData("0", 200)]
    [InlineData("-1", 200)]
    [InlineData("100000", 200)]
    [InlineData("many", 400)]
    public async Task PageSize_OfAnyKind_IsUnderstoodOrRefused(string size, int status)
    {
        await using var hub = await ApiHost.StartAsync();

        using var answer = await hub.SendForResponseAsync(
            "POST", "/devices/query?api-version=2021-04-12", """{"query":"SELECT * FROM devices"}""", null, ("x-ms-max-item-count", size));

        Assert.Equal(status, (int)answer.StatusCode);
    }

    private static Task<HttpResponseMessage> SendAsync(ApiHost hub, string query, int? size = null, string? continuation = null)
    {
        List<(string, string)> headers = [];
        if (size is not null)
            headers.Add(("x-ms-max-item-count", $"{size}"));
        if (continuation is not null)
            headers.Add(("x-ms-continuation", continuation));
        return hub.SendForResponseAsync(
            "POST", "/devices/query?api-version=2021-04-12", JsonSerializer.Serialize(new { query }), null, [.. headers]);
    }

    private static async Task<Page> QueryAsync(ApiHost hub, string query, int? size = null, string? continuation = null)
    {
        using var answer = await SendAsync(hub, query, size, continuation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.IsSuccessStatusCode, text);
        return new Page(
            [.. JsonDocument.Parse(text).RootElement.EnumerateArray()],
            answer.Headers.GetValues("x-ms-item-type").Single(),
            answer.Headers.TryGetValues("x-ms-continuation", out var values) ? values.Single() : null);
    }

    private sealed record Page(JsonElement[] Rows, string ItemType, string? Continuation);
}
