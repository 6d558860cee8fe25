using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>Microsoft's service SDK for Node, unmodified: its Registry manages this hub's identities.</summary>
[Collection(StandardPorts.Name)]
public sealed class NodeRegistryTests(StandardHub standard)
{
    [Fact]
    public async Task Devices_CreatedChangedAndRemoved_AreWhatTheSdkExpects()
    {
        var steps = await RunAsync("devices", "devs");

        Assert.Equal("""{"primary":44,"secondary":44,"differ":true}""", steps.Result("create", 200));
        Refused(steps["createAgain"], "DeviceAlreadyExistsError", 409, "DeviceAlreadyExists");
        Assert.Equal(
            """{"status":"enabled","connectionState":"Disconnected","sameEtag":true,"sameKey":true}""", steps.Result("get", 200));
        // The SDK sends empty keys with the update; they stay as they were.
        Assert.Equal("""{"status":"disabled","reason":"spare","newEtag":true,"sameKey":true}""", steps.Result("update", 200));
        Refused(steps["updateMissing"], "DeviceNotFoundError", 404, "DeviceNotFound");
        Refused(steps["getMissing"], "DeviceNotFoundError", 404, "DeviceNotFound");
        Refused(steps["badId"], "ArgumentError", 400, "ArgumentInvalid");
        Refused(steps["weakPolicy"], "UnauthorizedError", 401, "IotHubUnauthorizedAccess");
        Assert.Equal("true", steps.Result("createStrange", 200));
        Assert.Equal("true", steps.Result("getStrange", 200));
        Assert.Equal("\"selfSigned\"", steps.Result("thumbprint", 200));
        Assert.Equal("3", steps.Result("list", 200));
        Refused(steps["twin"], "Error", 501, "NotImplemented");
        Assert.Equal(204, steps["delete"].Number("status"));
        Assert.Equal(404, steps["deleteAgain"].Number("status"));
    }

    [Fact]
    public async Task Modules_AndTheirETags_AreWhatTheSdkExpects()
    {
        var steps = await RunAsync("modules", "mods");

        Assert.StartsWith("\"ms-azure-iot-edge://mods-m-", steps.Result("create", 200), StringComparison.Ordinal);
        Assert.Equal("\"m1\"", steps.Result("add", 200));
        Refused(steps["addAgain"], "DeviceAlreadyExistsError", 409, "ModuleAlreadyExistsOnDevice");
        Assert.Equal("""["$edgeAgent","$edgeHub","m1"]""", steps.Result("list", 200));
        Assert.Equal("\"me\"", steps.Result("update", 200));
        Refused(steps["updateStale"], "InvalidEtagError", 412, "PreconditionFailed");
        Assert.Equal("\"you\"", steps.Result("updateForced", 200));
        Refused(steps["removeStale"], "InvalidEtagError", 412, "PreconditionFailed");
        Assert.Equal(204, steps["remove"].Number("status"));
        Refused(steps["getMissing"], "Error", 404, "ModuleNotFound");
        Refused(steps["systemModule"], "UnauthorizedError", 401, "SystemModuleModifyUnauthorizedAccess");
    }

    [Fact]
    public async Task Bulk_OfAHundredDevices_IsDoneOrTellsWhatWasNot()
    {
        const string done = """{"isSuccessful":true,"errors":[],"warnings":[]}""";
        var steps = await RunAsync("bulk", "bulk");

        foreach (var step in new[] { "add", "update", "updateFresh", "remove" })
            Assert.Equal(done, steps.Result(step, 200));
        AssertFailed("addAgain", "DeviceAlreadyExists", "DeviceAlreadyExists");
        AssertFailed("updateStale", "PreconditionFailed");
        AssertFailed("removeStale", "PreconditionFailed", "DeviceNotFound");
        var statistics = steps["statistics"].GetProperty("result");
        Assert.True(statistics.Number("disabledDeviceCount") >= 99);
        Assert.Equal(
            statistics.Number("totalDeviceCount"),
            statistics.Number("enabledDeviceCount") + statistics.Number("disabledDeviceCount"));

        void AssertFailed(string step, params string[] codes)
        {
            Refused(steps[step], "ArgumentError", 400, "BulkRegistryOperationFailure");
            var body = steps[step].GetProperty("body");
            Assert.False(body.GetProperty("isSuccessful").GetBoolean());
            Assert.Equal(codes, body.GetProperty("errors").EnumerateArray().Select(error => error.Text("errorCode")));
        }
    }

    [Theory]
    [InlineData(25, 10, "10 10 5")]
    [InlineData(20, 10, "10 10")]
    public async Task Query_PageByPage_EndsWithTheLastRow(int count, int pageSize, string pages)
    {
        var steps = await RunAsync("query", $"reg{count}", count, pageSize);

        foreach (var step in new[] { "twins", "columns" })
        {
            var result = steps[step].GetProperty("result").EnumerateArray().Select(page => page.EnumerateArray().ToArray()).ToArray();
            Assert.Equal(pages, string.Join(' ', result.Select(page => page.Length)));
            Assert.Equal(
                Enumerable.Range(0, count).Select(index => $"reg{count}-q{index:000}"),
                result.SelectMany(page => page).Select(id => id.GetString()));
        }
        Refused(steps["wrong"], "ArgumentError", 400, "ArgumentInvalid");
    }

    private static void Refused(JsonElement step, string name, int status, string code)
    {
        Assert.Equal((name, status, code), (step.Text("refused"), step.Number("status"), step.Text("code")));
        // The SDK cuts a refusal's text at the first semicolon; ours are whole.
        if (step.GetProperty("body").Text("Message") is { } message && step.Text("text") != "Not found")
            Assert.EndsWith($";{step.Text("text")}", message, StringComparison.Ordinal);
    }

    private async Task<Steps> RunAsync(string scenario, string prefix, int count = 0, int pageSize = 0)
    {
        var hub = standard.Hub;
        var output = await ClientProcess.RunAsync(ClientScript.IotRegistry, hub, new
        {
            scenario,
            prefix,
            count,
            pageSize,
            connectionString = hub.Up.ConnectionStrings["iothubowner"],
            weakConnectionString = hub.Up.ConnectionStrings["service"],
        });
        output.WithoutErrors().One("done");
        return new Steps(output.Of("result").ToDictionary(line => line.Text("step")!));
    }

    private sealed class Steps(Dictionary<string, JsonElement> steps)
    {
        public JsonElement this[string name] => steps[name];

        /// <summary>What a step gave, as JSON; a step that was refused fails the test.</summary>
        public string Result(string name, int status)
        {
            Assert.True(steps[name].Text("refused") is null, steps[name].GetRawText());
            Assert.Equal(status, steps[name].Number("status"));
            return steps[name].GetProperty("result").GetRawText();
        }
    }
}
