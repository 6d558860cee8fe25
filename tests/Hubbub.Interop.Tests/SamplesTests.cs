using System.Diagnostics;
using System.Runtime.InteropServices;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>Every program of samples/, as samples/README.md says to run it, against a hub that is as new as a reader's.</summary>
[Collection(StandardPorts.Name)]
public sealed class SamplesTests(StandardHub standard)
{
    private static readonly TimeSpan PublishLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("csharp")]
    [InlineData("python")]
    [InlineData("javascript")]
    [InlineData("native")]
    public async Task Samples_OfOneLanguage_TellTheWholeStory(string language)
    {
        SkipUnlessInstalled(language);
        if (language == "native")
            await PublishNativeAsync();
        // The SDKs know only the standard ports, so the hub that usually has them makes room.
        await standard.Hub.StopAsync(Cancellation);
        try
        {
            await using var hub = await HubProcess.StartOnStandardPortsAsync(Cancellation);
            await TellAsync(language, hub);
        }
        finally
        {
            await standard.Hub.StartAgainAsync(Cancellation);
        }
    }

    private static async Task TellAsync(string language, HubProcess hub)
    {
        var device = await hub.CreateDeviceAsync("my-device", Cancellation);

        var sent = await RunAsync(language, "send-telemetry", hub, device);
        var events = await RunAsync(language, "read-events", hub, device);
        var command = await RunAsync(language, "send-command", hub, device);
        var received = await RunAsync(language, "receive-commands", hub, device);
        var feedback = await RunAsync(language, "receive-feedback", hub, device);

        Assert.Equal(3, sent.Count(line => line.StartsWith("sent", StringComparison.Ordinal)));
        Assert.Equal(3, events.Count(line => line.Contains($"of {device.Id}: {{\"temperature\":", StringComparison.Ordinal)));
        var id = Assert.Single(command).Split(' ')[1];
        Assert.Equal($"command {id}: restart", Assert.Single(received));
        Assert.Equal($"feedback {id}: Success by {device.Id}", Assert.Single(feedback));
    }

    private static async Task<string[]> RunAsync(string language, string sample, HubProcess hub, TestDevice device)
    {
        var (program, arguments) = CommandOf(language, sample);
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DEVICE_CONNECTION_STRING"] = device.ConnectionString;
        start.Environment["SERVICE_CONNECTION_STRING"] = hub.Up.ConnectionStrings["service"];
        start.Environment["EVENTHUB_CONNECTION_STRING"] = hub.Up.EventHubs["service"];
        start.Environment["HUBBUB_CA"] = hub.Up.CaCertificate;
        start.Environment["NODE_EXTRA_CA_CERTS"] = hub.Up.CaCertificate;
        start.Environment["NODE_PATH"] = Path.Combine(Workspace.Clients, "node_modules");
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        var error = process.StandardError.ReadToEndAsync(Cancellation);
        try
        {
            await process.WaitForExitAsync(Cancellation).WaitAsync(Limit, Cancellation);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
        }
        Assert.True(process.HasExited && process.ExitCode == 0, $"{language} {sample}: {await output}\n{await error}");
        return (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>One native file without a runtime; a warning of the trimmer or the compiler is an error.</summary>
    private static async Task PublishNativeAsync()
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [
                "publish", Sample("csharp", "Samples.csproj"), "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier,
                "-p:PublishAot=true", "-p:TreatWarningsAsErrors=true", "-o", Native, "-v", "q", "--nologo",
            ])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation).WaitAsync(PublishLimit, Cancellation);
        var text = await output;
        Assert.True(process.ExitCode == 0, text);
        Assert.DoesNotContain("warning", text, StringComparison.OrdinalIgnoreCase);
    }

    private static (string Program, string[] Arguments) CommandOf(string language, string sample)
    {
        var file = sample.Replace('-', '_');
        return language switch
        {
            "python" => ("/usr/bin/python3", [Sample("python", $"{file}.py")]),
            "javascript" => ("node", [Sample("javascript", $"{file}.js")]),
            "native" => (Path.Combine(Native, "Hubbub.Samples"), [sample]),
            _ => (Path.Combine(
                Workspace.Root, "artifacts", "bin", "Samples", new DirectoryInfo(AppContext.BaseDirectory).Name, "Hubbub.Samples"),
                [sample]),
        };
    }

    private static void SkipUnlessInstalled(string language)
    {
        if (language == "python")
            ClientScript.UamqpDevice.SkipUnlessInstalled();
        if (language == "javascript")
            ClientScript.IotCommands.SkipUnlessInstalled();
        Assert.SkipWhen(
            language == "native" && !File.Exists("/usr/bin/gcc") && !File.Exists("/usr/bin/clang"),
            "no C compiler links native programs here: run ./test as root, or install gcc");
    }

    private static string Native => Path.Combine(Workspace.Root, "artifacts", "native-samples");

    private static string Sample(string folder, string file) => Path.Combine(Workspace.Root, "samples", folder, file);
}
