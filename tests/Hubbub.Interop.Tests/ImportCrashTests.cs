using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>An import that the hub does not survive.</summary>
public sealed class ImportCrashTests
{
    private const int Count = 30_000;
    private const int BatchLines = 2_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Import_WhoseHubIsKilled_LeavesWholeBatches_AndCompletesWhenRepeated()
    {
        await using var hub = await HubProcess.StartAsync(Cancellation);
        var file = Path.Combine(hub.Data, "devices.txt");
        await File.WriteAllLinesAsync(
            file, Enumerable.Range(0, Count).Select(i => $$"""{"id":"import-{{i}}","status":"enabled"}"""), Cancellation);
        var importing = Cli.RunAsync(hub, "device", "import", file);
        while (await CountAsync(hub) < BatchLines)
        {
            // Each look is a request of its own, and its turn comes between two batches.
        }
        await hub.KillAsync(Cancellation);
        (await importing).Refused("repeat");

        await hub.StartAgainAsync(Cancellation);
        var kept = await CountAsync(hub);
        var repeated = (await Cli.RunAsync(hub, "device", "import", file, "--json")).Json[^1];

        Assert.InRange(kept, BatchLines, Count);
        Assert.Equal(0, kept % BatchLines);
        Assert.Equal(0, repeated.GetProperty("failed").GetInt32());
        Assert.Equal(Count, await CountAsync(hub));
        // What was kept has keys, which the file does not name: it stays as it is.
        Assert.Equal(kept, repeated.GetProperty("unchanged").GetInt32());
        Assert.Equal(Count - kept, repeated.GetProperty("changed").GetInt32());
    }

    [Fact]
    public async Task Export_ToAFile_IsForItsOwnerOnly_AndIsWholeOrAbsent()
    {
        await using var hub = await HubProcess.StartAsync(Cancellation);
        await hub.CreateDevicesAsync("export", 3, Cancellation);
        var file = Path.Combine(hub.Data, "export.txt");

        (await Cli.RunAsync(hub, "device", "export", file)).Done();
        var printed = (await Cli.RunAsync(hub, "device", "export")).Done();
        (await Cli.RunAsync(hub, "device", "export", Path.Combine(hub.Data, "no", "such", "directory"))).Refused("not written");

        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(printed.Lines, await File.ReadAllLinesAsync(file, Cancellation));
        Assert.Equal(
            ["export-1", "export-2", "export-3"],
            printed.Json.Select(line => line.Text("id")!));
        Assert.Empty(Directory.GetFiles(hub.Data, "*.new")); // No draft is left.
    }

    private static async Task<int> CountAsync(HubProcess hub) =>
        (await hub.RestAsync(HttpMethod.Get, "/statistics/devices", null, Cancellation)).GetProperty("totalDeviceCount").GetInt32();
}
