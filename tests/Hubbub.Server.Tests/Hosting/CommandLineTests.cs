using System.Text.Json;
using Hubbub.Server.Hosting;

namespace Hubbub.Server.Tests.Hosting;

/// <summary>The verbs as child processes, against a hub that runs in this process.</summary>
public sealed class CommandLineTests
{
    private static readonly string[] FreePorts = ["--amqps-port", "0", "--https-port", "0", "--amqp-port", "0"];

    [Fact]
    public async Task Up_Json_PrintsOneLineAndEndsCleanlyOnSigterm()
    {
        using var directory = new TestDirectory();
        await using var up = HubbubProcess.Start(
            null, ["up", "--data", directory.Path, .. FreePorts, "--json"]);

        using var json = JsonDocument.Parse((await up.ReadLineAsync())!);
        Assert.True(File.Exists(HubFile.PathIn(directory.Path)));
        up.Terminate();
        var (exitCode, output, error) = await up.EndAsync();

        Assert.Equal(0, exitCode);
        Assert.Empty(output);
        Assert.False(File.Exists(HubFile.PathIn(directory.Path)));
        var root = json.RootElement;
        Assert.Equal(
            ["hostName", "ports", "caCertificate", "connectionStrings", "eventHubs", "data", "readyMs"],
            root.EnumerateObject().Select(member => member.Name));
        Assert.Equal("localhost", root.GetProperty("hostName").GetString());
        Assert.True(root.GetProperty("ports").GetProperty("amqps").GetInt32() > 0);
        Assert.Equal(0, root.GetProperty("ports").GetProperty("amqp").GetInt32());
        Assert.Equal(directory.Path, root.GetProperty("data").GetString());
        Assert.True(root.GetProperty("readyMs").GetInt64() > 0);
        var owner = root.GetProperty("connectionStrings").GetProperty("iothubowner").GetString()!;
        Assert.StartsWith(
            "HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=", owner, StringComparison.Ordinal);
        var events = root.GetProperty("eventHubs").GetProperty("service").GetString()!;
        Assert.Contains("EntityPath=", events, StringComparison.Ordinal);
        // The key is the policy's secret: it is on standard output, which was asked for, and nowhere in the log.
        Assert.DoesNotContain(owner[^40..], error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_DataDirectoryInUse_FailsWithOneLine()
    {
        await using var hub = await TestHub.StartAsync();

        var (exitCode, output, error) = await HubbubProcess.RunAsync(
            null, ["up", "--data", hub.Data, .. FreePorts, "--json"]);

        Assert.Equal(1, exitCode);
        Assert.Empty(output);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(hub.Data, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Device_ItsWholeLife_IsManagedByVerbs()
    {
        await using var hub = await TestHub.StartAsync();
        // Everything that an id may hold and a URL or a shell might mistake.
        const string Id = "a%2F#?!(),=@;$'*+.:_-Z";

        var created = await Run(hub, "device", "create", Id);
        Assert.StartsWith(
            $"HostName=localhost;DeviceId={Id};SharedAccessKey=",
            Assert.Single(created.Output),
            StringComparison.Ordinal);
        Assert.Equal(created.Output, (await Run(hub, "connection-string", "--device", Id)).Output);
        Assert.Equal(0, (await Run(hub, "device", "disable", Id)).ExitCode);
        using var shown = JsonDocument.Parse(Assert.Single((await Run(hub, "device", "show", Id, "--json")).Output));
        Assert.Equal("disabled", shown.RootElement.GetProperty("status").GetString());
        Assert.Equal(0, (await Run(hub, "device", "enable", Id)).ExitCode);
        using var listed = JsonDocument.Parse(Assert.Single((await Run(hub, "device", "list", "--json")).Output));
        Assert.Equal("enabled", listed.RootElement.GetProperty("status").GetString());
        Assert.Equal(Id, listed.RootElement.GetProperty("deviceId").GetString());

        var twice = await Run(hub, "device", "create", Id);
        Assert.Equal(1, twice.ExitCode);
        Assert.Contains("DeviceAlreadyExists", twice.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await Run(hub, "device", "delete", Id)).ExitCode);
        var gone = await Run(hub, "device", "show", Id);
        Assert.Equal(1, gone.ExitCode);
        Assert.Contains(Id, gone.Error, StringComparison.Ordinal);
        Assert.Single(gone.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task SendAndTail_EventsWithProperties_ArriveAsTheyWereSent()
    {
        await using var hub = await TestHub.StartAsync();
        await Run(hub, "device", "create", "dev1");

        string[] options = ["-p", "unit=C", "--content-type", "application/json", "--json"];
        var sent = await Run(hub, ["send", "dev1", "{\"n\":1}", .. options]);
        var read = await Run(hub, "tail", "--from", "start", "--count", "1", "--json");

        using var accepted = JsonDocument.Parse(Assert.Single(sent.Output));
        Assert.Equal(1, accepted.RootElement.GetProperty("accepted").GetInt32());
        using var received = JsonDocument.Parse(Assert.Single(read.Output));
        Assert.Equal("dev1", received.RootElement.GetProperty("deviceId").GetString());
        Assert.Equal("C", received.RootElement.GetProperty("properties").GetProperty("unit").GetString());
        Assert.Equal("{\"n\":1}", received.RootElement.GetProperty("body").GetRawText());
        var refused = await Run(hub, "send", "nobody", "x");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("nobody", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tail_OfAnEndpoint_ShowsWhatIsRoutedThere()
    {
        await using var hub = await TestHub.StartAsync();
        await Run(hub, "device", "create", "dev1");
        await Run(hub, "endpoint", "add", "alerts", "--partitions", "1");
        await Run(hub, "route", "add", "high", "--endpoint", "alerts", "--condition", "level = 'high'");
        await Run(hub, "send", "dev1", "calm", "-p", "level=low");
        await Run(hub, "send", "dev1", "storm", "-p", "level=high");

        var alerts = await Run(hub, "tail", "--endpoint", "alerts", "--from", "start", "--count", "1", "--json");
        var builtIn = await Run(hub, "tail", "--endpoint", "events", "--from", "start", "--count", "1", "--json");

        Assert.Contains("storm", Assert.Single(alerts.Output), StringComparison.Ordinal);
        Assert.Contains("calm", Assert.Single(builtIn.Output), StringComparison.Ordinal);
        var refused = await Run(hub, "tail", "--endpoint", "nowhere", "--count", "1");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("'nowhere'", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tail_BodyWithTerminalCommands_IsHarmless()
    {
        await using var hub = await TestHub.StartAsync();
        await Run(hub, "device", "create", "dev1");
        await Run(hub, "send", "dev1", "red \u001b[31m alert");

        var read = await Run(hub, "tail", "--from", "start", "--count", "1");

        Assert.DoesNotContain('\u001b', Assert.Single(read.Output));
        Assert.Contains("alert", read.Output[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConsumerGroup_ItsWholeLife_IsManagedByVerbs()
    {
        await using var hub = await TestHub.StartAsync();

        Assert.Equal(0, (await Run(hub, "consumer-group", "create", "second")).ExitCode);
        Assert.Equal(2, (await Run(hub, "consumer-group", "list", "--json")).Output.Length);
        Assert.Equal(0, (await Run(hub, "consumer-group", "delete", "second")).ExitCode);
        var refused = await Run(hub, "consumer-group", "delete", "$Default");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("$Default", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Environment_NamesTheHub_ByPortAndCa()
    {
        await using var hub = await TestHub.StartAsync();
        var address = $"{hub.Server.Description.ConnectionStrings["registryRead"]};HttpsPort={hub.Server.Ports.Https};"
            + $"CaFile={hub.Server.Description.CaCertificate}";

        Assert.Equal(0, (await HubbubProcess.RunAsync(address, "device", "list")).ExitCode);

        var unauthorized = await HubbubProcess.RunAsync(address, "device", "create", "dev1");
        Assert.Equal(1, unauthorized.ExitCode);
        Assert.Contains("dev1", unauthorized.Error, StringComparison.Ordinal);
        var withoutCa = address[..address.IndexOf(";CaFile", StringComparison.Ordinal)];
        var untrusted = await HubbubProcess.RunAsync(withoutCa, "device", "list");
        Assert.Equal(1, untrusted.ExitCode);
        Assert.Contains("CaFile=", untrusted.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await HubbubProcess.RunAsync("HostName=localhost", "device", "list")).ExitCode);
    }

    [Theory]
    [InlineData("up", "--partitions", "0")]
    [InlineData("up", "--retention", "soon")]
    [InlineData("up", "--host", "https://x")]
    [InlineData("device", "create")]
    [InlineData("connection-string", "--device", "d", "--eventhubs")]
    [InlineData("send", "d", "x", "--count", "0")]
    [InlineData("tail", "--from", "somewhere")]
    [InlineData("frobnicate")]
    public async Task CommandLine_NotUnderstood_IsUsage(params string[] arguments)
    {
        var (exitCode, output, error) = await HubbubProcess.RunAsync(null, arguments);

        Assert.Equal(2, exitCode);
        Assert.Empty(output);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Trust_Print_NamesTheFileForEveryRuntime()
    {
        await using var hub = await TestHub.StartAsync();

        var text = string.Join('\n', (await Run(hub, "trust", "--print")).Output);

        string[] parts = ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "keytool", "SSL_CERT_FILE", "curl"];
        foreach (var part in parts)
            Assert.Contains(part, text, StringComparison.Ordinal);
        Assert.Contains(hub.Server.Description.CaCertificate!, text, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string[] Output, string Error)> Run(TestHub hub, params string[] arguments) =>
        HubbubProcess.RunAsync(null, [.. arguments, "--data", hub.Data]);
}
