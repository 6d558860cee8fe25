using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// A hub that is killed while services send and devices complete, reject and abandon: every accepted command ends once,
/// with one record of it.
/// </summary>
public sealed class CommandCrashTests
{
    private const int DeviceCount = 6;
    private const int KillCount = 15;
    private const int AcceptedMin = 50;
    private const int AcceptedMax = 600;
    private static readonly TimeSpan LoadLimit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hub_KilledUnderCommands_EndsEachAcceptedOneExactlyOnce()
    {
        var seed = Seed.Take();
        var random = new Random(seed);
        await using var hub = await HubProcess.StartAsync(Cancellation);
        var devices = await hub.CreateDevicesAsync("crash", DeviceCount, Cancellation);
        var absent = await hub.CreateDeviceAsync("absent", Cancellation);
        var history = new CommandHistory();
        var load = new CommandLoad(hub, devices, absent, history, seed);
        for (var kill = 0; kill < KillCount; kill++)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var running = load.RunAsync(sends: true, stop.Token);
            await history.WhenAcceptedAsync(random.Next(AcceptedMin, AcceptedMax)).WaitAsync(LoadLimit, Cancellation);
            await hub.KillAsync(Cancellation);
            await stop.CancelAsync();
            await running;
            await hub.StartAgainAsync(Cancellation);
        }
        await DrainAsync(load, history);

        var violations = history.Violations();

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"HUBBUB_SEED={seed}: {history.AcceptedCount} accepted; {history.Summary}; {violations.Count} violations");
        Assert.Equal([], violations.Take(10));
    }

    /// <summary>Nobody sends any more: what was accepted comes to its end, or the checker says what did not.</summary>
    private static async Task DrainAsync(CommandLoad load, CommandHistory history)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var running = load.RunAsync(sends: false, stop.Token);
        try
        {
            await history.WhenAllEndedAsync().WaitAsync(LoadLimit, Cancellation);
        }
        catch (TimeoutException)
        {
            // The checker names them.
        }
        await stop.CancelAsync();
        await running;
    }
}
