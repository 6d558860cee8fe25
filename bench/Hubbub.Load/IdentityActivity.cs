using System.Diagnostics;
using Hubbub.Core.Identities;
using Hubbub.Storage.State;

namespace Hubbub.Load;

/// <summary>Measures the start of a hub whose identities have all once been active.</summary>
internal static class IdentityActivity
{
    public static async Task RunAsync(string hub, string data)
    {
        var state = Path.Combine(data, "state");
        await MakeAllActiveAsync(state);
        var starts = new List<(long ReadyMs, double ProcessorMs)>();
        for (var round = 0; round < 3; round++)
        {
            using var full = await HubUnderTest.StartAsync(hub, data);
            starts.Add((full.ReadyMs, full.ProcessorTime.TotalMilliseconds));
        }
        var (ready, processor) = starts.Order().ElementAt(1);
        ResultTable.Row("start, all once active (`readyMs`)", $"{ready:N0} ms", "<= 3,000 ms", ready <= 3_000);
        ResultTable.Row("start, all once active, processor time until ready", $"{processor:N0} ms", "", null);
        await RestoreAsync(state);
    }

    private static async Task MakeAllActiveAsync(string state)
    {
        using var store = StateStore.Open(state, TimeProvider.System);
        var registry = await IdentityRegistry.OpenAsync(store, TimeProvider.System, CancellationToken.None);
        var at = TimeProvider.System.GetUtcNow();
        foreach (var devices in registry.DevicesAfter(null).Chunk(10_000))
        {
            StoredActivity[] active =
                [.. devices.Select(d => new StoredActivity(d.DeviceId, null, d.GenerationId, false, at, at))];
            if (await store.WriteActivityAsync(active, [], CancellationToken.None) is { } refusal)
                throw new InvalidOperationException(refusal.Message);
        }
    }

    /// <summary>What goes on beside the start, alone.</summary>
    private static async Task RestoreAsync(string state)
    {
        using var store = StateStore.Open(state, TimeProvider.System);
        var registry = await IdentityRegistry.OpenAsync(store, TimeProvider.System, CancellationToken.None);
        using var presence = new DevicePresence(registry, TimeProvider.System);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var (watch, processor) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        await using var recorder = new ActivityRecorder(
            presence, registry, store, TimeProvider.System, e => Console.Error.WriteLine(e));
        var writes = 0;
        var slowest = TimeSpan.Zero;
        while (!recorder.Loaded.IsCompleted)
        {
            var asked = Stopwatch.GetTimestamp();
            await store.LoadActivityAsync(null, 1, CancellationToken.None);
            var waited = Stopwatch.GetElapsedTime(asked);
            slowest = waited > slowest ? waited : slowest;
            writes++;
        }
        await recorder.Loaded;
        var used = Environment.CpuUsage.TotalTime - processor;
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)registry.DeviceCount;
        ResultTable.Row(
            "bringing back when they were active, processor time (clock)",
            $"{used.TotalMilliseconds:N0} ms ({watch.ElapsedMilliseconds:N0} ms)", "", null);
        ResultTable.Row(
            "longest wait for the store meanwhile", $"{slowest.TotalMilliseconds:N0} ms of {writes:N0}", "", null);
        ResultTable.Row("memory each for it", $"{each:N0} bytes", "", null);
    }
}
