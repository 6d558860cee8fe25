using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// A hub that is killed while its endpoints lag: what it accepted reaches them all the same, in order, and no file is
/// torn.
/// </summary>
public sealed class EndpointCrashTests
{
    private const int DeviceCount = 12;
    private const int KillCount = 10;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hub_KilledWhileEndpointsLag_DeliversEveryAcceptedEvent()
    {
        var seed = Seed.Take();
        var random = new Random(seed);
        await using var receiver = new HookReceiver();
        await using var hub = await HubProcess.StartAsync(Cancellation, "--allow-private-webhooks");
        await PutAsync(hub, "endpoints/hook", new
        {
            type = "webhook",
            url = receiver.Url,
            delivery = new { linger = "20ms", retryDelayMax = "1s" },
        });
        await PutAsync(hub, "endpoints/lake", new
        {
            type = "files",
            directory = "lake",
            rotateSize = "200KB",
            delivery = new { linger = "100ms" },
        });
        await PutAsync(hub, "routes/all-to-hook", new { endpoint = "hook" });
        await PutAsync(hub, "routes/all-to-lake", new { endpoint = "lake" });
        var devices = await hub.CreateDevicesAsync("lag", DeviceCount, Cancellation);
        var history = new HistoryChecker();
        var load = new TelemetryLoad(hub, devices, history);
        for (var kill = 0; kill < KillCount; kill++)
        {
            receiver.IsWilling = random.Next(2) == 0;
            var running = load.RunAsync(Cancellation);
            await history.WhenAcceptedAsync(random.Next(200, 2000)).WaitAsync(Limit, Cancellation);
            receiver.IsWilling = random.Next(2) == 0;
            await hub.KillAsync(Cancellation);
            await running;
            await hub.StartAgainAsync(Cancellation);
        }
        receiver.IsWilling = true;
        await WhenDeliveredAsync(hub, "hook");
        await WhenDeliveredAsync(hub, "lake");
        Assert.Equal(0, await hub.StopAsync(Cancellation));

        Assert.Equal([], receiver.Violations);
        Assert.Equal([], Judge(history, receiver.Events, "webhook", seed));
        var lines = Lines(hub);
        var firsts = lines.DistinctBy(static e => e.Sequence).OrderBy(static e => e.Sequence).ToList();
        Assert.Equal([], Judge(history, firsts, "files", seed));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{receiver.RefusalCount} requests sent away, {receiver.RepeatedCount} events came again, "
            + $"{lines.Count - firsts.Count} lines are repeated");
    }

    private static IEnumerable<string> Judge(
        HistoryChecker history, IReadOnlyList<ReadEvent> events, string endpoint, int seed)
    {
        var violations = history.Violations(
            new Dictionary<string, IReadOnlyList<ReadEvent>> { [endpoint] = events });
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"HUBBUB_SEED={seed}: {history.AcceptedCount} accepted, {endpoint} got {events.Count}");
        return violations.Take(10);
    }

    /// <summary>Every line of every file, in order; each must be whole.</summary>
    private static List<ReadEvent> Lines(HubProcess hub)
    {
        var folder = Path.Combine(hub.Data, "files", "lake");
        var lines = new List<ReadEvent>();
        foreach (var path in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
        {
            var text = File.ReadAllText(path);
            Assert.EndsWith("}\n", text, StringComparison.Ordinal);
            foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                lines.Add(HookReceiver.EventOf(JsonSerializer.Deserialize<JsonElement>(line)));
        }
        Assert.InRange(Directory.GetFiles(folder, "*.part").Length, 0, 1);
        return lines;
    }

    private static Task<JsonElement> PutAsync(HubProcess hub, string path, object body) =>
        hub.RestAsync(HttpMethod.Put, $"/hubbub/routing/{path}", body, Cancellation);

    private static async Task WhenDeliveredAsync(HubProcess hub, string endpoint)
    {
        var time = TimeProvider.System;
        using var limit = new CancellationTokenSource(Limit, time);
        while (true)
        {
            var shown = await hub.RestAsync(HttpMethod.Get, $"/hubbub/routing/endpoints/{endpoint}", null, limit.Token);
            var status = shown.GetProperty("status");
            Assert.Equal(0, status.GetProperty("lost").GetInt64());
            Assert.Equal(0, status.GetProperty("deadLettered").GetInt64());
            if (status.GetProperty("lagEvents").GetInt64() == 0)
                return;
            await Task.Delay(TimeSpan.FromMilliseconds(100), time, limit.Token);
        }
    }
}
