using System.Text.Json;

namespace Hubbub.Server.Tests.Http;

/// <summary>The administration of routing over HTTPS.</summary>
public sealed class RoutingApiTests
{
    private const string Alerts = """{"type":"stream","partitions":2,"retention":"2h"}""";

    [Fact]
    public async Task Parts_AreMadeShownAndRemovedOneByOne()
    {
        await using var hub = await ApiHost.StartAsync();

        await OkAsync(hub, "PUT", "/hubbub/routing/endpoints/alerts", Alerts);
        await OkAsync(hub, "PUT", "/hubbub/routing/routes/r1", """{"endpoint":"alerts","condition":"level = 'high'"}""");
        await OkAsync(hub, "PUT", "/hubbub/routing/fallback", """{"enabled":false}""");
        await OkAsync(hub, "PUT", "/hubbub/routing/enrichments/site", """{"value":"north","endpoints":["alerts","events"]}""");

        var all = (await OkAsync(hub, "GET", "/hubbub/routing")).Json;
        Assert.Equal("level = 'high'", all.GetProperty("routes")[0].GetProperty("condition").GetString());
        Assert.Equal("DeviceMessages", all.GetProperty("routes")[0].GetProperty("source").GetString());
        Assert.False(all.GetProperty("fallback").GetProperty("enabled").GetBoolean());
        var endpoint = (await OkAsync(hub, "GET", "/hubbub/routing/endpoints/alerts")).Json;
        Assert.Equal(("stream", 2, "2h", "alerts"), (
            endpoint.GetProperty("type").GetString(), endpoint.GetProperty("partitions").GetInt32(),
            endpoint.GetProperty("retention").GetString(), endpoint.GetProperty("entity").GetString()));
        Assert.Equal(400, (await hub.SendAsync("DELETE", "/hubbub/routing/endpoints/alerts")).Status);
        Assert.Equal(204, (await hub.SendAsync("DELETE", "/hubbub/routing/enrichments/site")).Status);
        Assert.Equal(204, (await hub.SendAsync("DELETE", "/hubbub/routing/routes/r1")).Status);
        Assert.Equal(204, (await hub.SendAsync("DELETE", "/hubbub/routing/endpoints/alerts")).Status);
        Assert.Equal(404, (await hub.SendAsync("DELETE", "/hubbub/routing/endpoints/alerts")).Status);
        Assert.Equal(404, (await hub.SendAsync("GET", "/hubbub/routing/routes/r1")).Status);
    }

    [Fact]
    public async Task Document_IsAppliedAsAWholeOrNotAtAll_AndADryRunChangesNothing()
    {
        await using var hub = await ApiHost.StartAsync();
        const string Good = """
            {"endpoints":[{"name":"a","type":"stream"}],"routes":[{"name":"r","endpoint":"a"}],
             "enrichments":[{"key":"k","value":"v","endpoints":["a"]}]}
            """;

        await OkAsync(hub, "PUT", "/hubbub/routing?dryRun=true", Good);
        Assert.Equal(0, (await OkAsync(hub, "GET", "/hubbub/routing")).Json.GetProperty("routes").GetArrayLength());
        await OkAsync(hub, "PUT", "/hubbub/routing", Good);
        var wrong = await hub.SendAsync(
            "PUT",
            "/hubbub/routing",
            """{"routes":[{"name":"x","endpoint":"events"},{"name":"y","endpoint":"events","condition":"a ="}]}""");

        Assert.Equal(400, wrong.Status);
        Assert.Contains("route 'y' is not understood at line 1, column 4", wrong.Body, StringComparison.Ordinal);
        var all = (await OkAsync(hub, "GET", "/hubbub/routing")).Json;
        Assert.Equal("r", all.GetProperty("routes")[0].GetProperty("name").GetString());
        // What is shown can be applied as it is.
        await OkAsync(hub, "PUT", "/hubbub/routing", all.GetRawText());
    }

    [Theory]
    [InlineData("routes/x", """{"endpoint":"nowhere"}""", "leads to the endpoint 'nowhere', which does not exist")]
    [InlineData("routes/x", """{"endpoint":"events","conditoin":"true"}""", "unknown member 'conditoin'")]
    [InlineData("routes/x", """{"endpoint":"events","source":"Nobody"}""", "'source'")]
    [InlineData("routes/x", """{"endpoint":"events","enabled":"yes"}""", "true or false as 'enabled'")]
    [InlineData("routes/x!", """{"endpoint":"events"}""", "route name 'x!' is not valid")]
    [InlineData("routes/x", """{"name":"z","endpoint":"events"}""", "another name")]
    [InlineData("endpoints/events", """{"type":"stream"}""", "reserved")]
    [InlineData("endpoints/x", """{"type":"carrier-pigeon"}""", "stream, webhook, files or kafka")]
    [InlineData("endpoints/x", """{"type":"stream","partitions":33}""", "1 to 32 partitions")]
    [InlineData("endpoints/x", """{"type":"stream","retention":"soon"}""", "a duration like")]
    [InlineData("endpoints/x", """{"type":"webhook","url":"http://example.org/"}""", "https://")]
    [InlineData("endpoints/x", """{"type":"webhook","url":"https://127.1/"}""", "127.0.0.1, which is no public address")]
    [InlineData("endpoints/x", """{"type":"webhook","url":"https://[::ffff:10.0.0.1]:8443/"}""", "which is no public address")]
    [InlineData("endpoints/x", """{"type":"files","directory":"/etc"}""", "not one that this hub lets")]
    [InlineData("endpoints/x", """{"type":"files","directory":"../x"}""", "stays below the hub's own")]
    [InlineData("enrichments/k", """{"value":"$iothub","endpoints":["events"]}""", "must be a text, $iothubname")]
    [InlineData("enrichments/k", """{"value":"x","endpoints":[]}""", "must name an endpoint")]
    [InlineData("enrichments/k", """{"value":"x","endpoints":["nowhere"]}""", "does not exist")]
    [InlineData("routes/x", """{"endpoint":"events","source":"1"}""", "'source'")]
    [InlineData("routes/x", """{"endpoint":"events","source":"99"}""", "'source'")]
    [InlineData("routes/x", """{"endpoint":"events","source":"DeviceMessages, TwinChangeEvents"}""", "'source'")]
    [InlineData("endpoints/x", """{"type":"webhook","url":"https://example.org/\r\nx: y"}""", "blanks or control characters")]
    [InlineData("endpoints/x", """{"type":"files","directory":"x","rotateSize":"some"}""", "a size like")]
    [InlineData("endpoints/x", """{"type":"files","directory":"x","delivery":{"batchSize":"some"}}""", "a size like")]
    [InlineData("routes/x", "[]", "must be a JSON object")]
    [InlineData("routes/x", "{", "not JSON")]
    public async Task Part_ThatIsWrong_IsRefusedWithTheReason(string part, string body, string reason)
    {
        await using var hub = await ApiHost.StartAsync();

        var answer = await hub.SendAsync("PUT", $"/hubbub/routing/{part}", body);

        Assert.Equal(400, answer.Status);
        Assert.Contains(reason, JsonDocument.Parse(answer.Body).RootElement.GetProperty("Message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"routes":[{"name":"a","endpoint":"events"},{"name":"b","conditoin":"true"}]}""", "The route 'b' lacks")]
    [InlineData("""{"routes":[{"name":"a","endpoint":"events"},{"endpoint":"events"}]}""", "The route number 2 lacks")]
    [InlineData("""{"routes":[{"name":"a","endpoint":"events"},7]}""", "The route number 2 must be a JSON object")]
    [InlineData("""{"endpoints":[{"name":"a","type":"stream"},{"name":"b","type":"steam"}]}""", "The endpoint 'b' must have")]
    [InlineData("""{"enrichments":[{"key":"k","value":5,"endpoints":["events"]}]}""", "The enrichment 'k' must have a string")]
    [InlineData("""{"endpoints":[{"name":"..","type":"stream"}]}""", "The endpoint name '..' is not valid")]
    [InlineData(
        """{"endpoints":[{"name":"a-deadletters","type":"stream"},{"name":"A","type":"files","directory":"x"}]}""",
        "The entity 'A-deadletters' stands there twice")]
    public async Task Document_WithAWrongPart_SaysWhichOne(string document, string reason)
    {
        await using var hub = await ApiHost.StartAsync();

        var answer = await hub.SendAsync("PUT", "/hubbub/routing", document);

        Assert.Equal(400, answer.Status);
        Assert.Contains(reason, JsonDocument.Parse(answer.Body).RootElement.GetProperty("Message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Part_ThatIsNotThere_IsCalledWhatItWouldBe()
    {
        await using var hub = await ApiHost.StartAsync();

        foreach (var kind in new[] { "route", "endpoint", "enrichment" })
        {
            var answer = await hub.SendAsync("GET", $"/hubbub/routing/{kind}s/x");
            Assert.Equal(404, answer.Status);
            Assert.Contains($"The {kind} 'x' does not exist", answer.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Secrets_AreShownOnlyWhenAskedFor_AndKeptWhenLeftOut()
    {
        await using var hub = await ApiHost.StartAsync();
        const string Hook = """{"type":"webhook","url":"https://example.org/in"}""";

        var made = (await OkAsync(hub, "PUT", "/hubbub/routing/endpoints/hook?keys=true", Hook)).Json;
        var secret = made.GetProperty("secret").GetString();
        var changed = (await OkAsync(
            hub,
            "PUT",
            "/hubbub/routing/endpoints/hook?keys=true",
            """{"type":"webhook","url":"https://example.org/2","timeout":"5s"}""")).Json;

        Assert.Equal(secret, changed.GetProperty("secret").GetString());
        Assert.DoesNotContain(secret!, (await OkAsync(hub, "GET", "/hubbub/routing")).Body, StringComparison.Ordinal);
        Assert.DoesNotContain(secret!, (await OkAsync(hub, "GET", "/hubbub/routing/endpoints/hook")).Body, StringComparison.Ordinal);
        Assert.Equal("hook-deadletters", changed.GetProperty("entity").GetString());
        var turned = await hub.SendAsync("PUT", "/hubbub/routing/endpoints/hook", Alerts);
        Assert.Equal(400, turned.Status);
    }

    [Fact]
    public async Task Test_SaysPerRouteWhetherAMessageMatchesAndWhyNot()
    {
        await using var hub = await ApiHost.StartAsync();
        await OkAsync(hub, "PUT", "/hubbub/routing/routes/hot", """
            {"endpoint":"events","condition":"level = 'high' and (not is_defined(zone) or $body.t > 30)"}
            """);
        await OkAsync(hub, "PUT", "/hubbub/routing/routes/off", """{"endpoint":"events","enabled":false}""");

        var trial = (await OkAsync(hub, "POST", "/hubbub/routing/test", """
            {"message":{"app":{"level":"low","zone":"7"},"body":{"t":20},
             "sys":{"contentType":"application/json","contentEncoding":"utf-8"}}}
            """)).Json[0];

        Assert.Equal("events", trial.GetProperty("endpoints")[0].GetString());
        var hot = trial.GetProperty("routes")[0];
        Assert.False(hot.GetProperty("matches").GetBoolean());
        var parts = hot.GetProperty("condition").GetProperty("parts");
        Assert.Equal(("level = 'high'", "false", "level is 'low'"), Clause(parts[0]));
        Assert.Equal("false", parts[1].GetProperty("value").GetString());
        Assert.Equal(("$body.t > 30", "false", "$body.t is 20"), Clause(parts[1].GetProperty("parts")[1]));
        Assert.Equal("the route is disabled", trial.GetProperty("routes")[1].GetProperty("why").GetString());

        static (string?, string?, string?) Clause(JsonElement json) => (
            json.GetProperty("text").GetString(), json.GetProperty("value").GetString(), json.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Groups_OfAStream_AreItsOwn()
    {
        await using var hub = await ApiHost.StartAsync();
        await OkAsync(hub, "PUT", "/hubbub/routing/endpoints/alerts", Alerts);

        await OkAsync(hub, "PUT", "/hubbub/routing/endpoints/alerts/consumer-groups/g1", "{}");

        Assert.Equal(
            "g1", (await OkAsync(hub, "GET", "/hubbub/routing/endpoints/alerts/consumer-groups/g1")).Text("name"));
        var groups = (await OkAsync(hub, "GET", "/hubbub/routing/endpoints/alerts/consumer-groups")).Json;
        Assert.Equal(["$Default", "g1"], groups.EnumerateArray().Select(static g => g.GetProperty("name").GetString()));
        Assert.Equal(1, (await OkAsync(hub, "GET", "/hubbub/consumer-groups")).Json.GetArrayLength());
    }

    [Fact]
    public async Task Limits_AreTold()
    {
        await using var hub = await ApiHost.StartAsync();
        for (var i = 0; i < 10; i++)
            await OkAsync(hub, "PUT", $"/hubbub/routing/enrichments/k{i}", """{"value":"v","endpoints":["events"]}""");

        var answer = await hub.SendAsync("PUT", "/hubbub/routing/enrichments/k10", """{"value":"v","endpoints":["events"]}""");

        Assert.Equal(403, answer.Status);
        Assert.Contains("11 enrichments; this hub allows 10", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("service")]
    [InlineData("device")]
    [InlineData("registryReadWrite")]
    public async Task Policies_ThatDoNotOwnTheHub_AreRefused(string policy)
    {
        await using var hub = await ApiHost.StartAsync();

        Assert.Equal(401, (await hub.SendAsync("GET", "/hubbub/routing", token: hub.Token(policy))).Status);
        Assert.Equal(401, (await hub.SendAsync("PUT", "/hubbub/routing", "{}", token: hub.Token(policy))).Status);
    }

    private static async Task<Answer> OkAsync(ApiHost hub, string method, string path, string? body = null)
    {
        var answer = await hub.SendAsync(method, path, body);
        Assert.True(answer.Status == 200, $"{method} {path}: {answer.Status} {answer.Body}");
        return answer;
    }
}
