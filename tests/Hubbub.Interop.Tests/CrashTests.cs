using System.Globalization;
using Amqp;
using Amqp.Types;
using Hubbub.Interop.Tests.Harness;
using Partitions = System.Collections.Generic.IReadOnlyDictionary<
    string, System.Collections.Generic.IReadOnlyList<Hubbub.Interop.Tests.Harness.ReadEvent>>;

namespace Hubbub.Interop.Tests;

/// <summary>A hub that is killed, or asked to stop, under load has lost nothing that it accepted.</summary>
public sealed class CrashTests
{
    private const int DeviceCount = 24;
    private const int KillCount = 50;
    private const int AcceptedMin = 200;
    private const int AcceptedMax = 5000;
    private static readonly TimeSpan LoadLimit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hub_KilledFiftyTimesUnderLoad_KeepsEveryAcceptedEvent()
    {
        var seed = Seed.Take();
        var random = new Random(seed);
        await using var hub = await HubProcess.StartAsync(Cancellation);
        var devices = await hub.CreateDevicesAsync("crash", DeviceCount, Cancellation);
        var history = new HistoryChecker();
        var load = new TelemetryLoad(hub, devices, history);
        Partitions? halfway = null;
        for (var kill = 0; kill < KillCount; kill++)
        {
            var running = load.RunAsync(Cancellation);
            await history.WhenAcceptedAsync(random.Next(AcceptedMin, AcceptedMax)).WaitAsync(LoadLimit, Cancellation);
            await hub.KillAsync(Cancellation);
            await running;
            await hub.StartAgainAsync(Cancellation);
            if (kill == KillCount / 2) halfway = await ReadAllAsync(hub);
        }

        var partitions = await ReadAllAsync(hub);

        Assert.Equal([], Judge(history, partitions, seed));
        foreach (var (partition, events) in halfway!) Assert.Equal(events, partitions[partition].Take(events.Count));
    }

    [Fact]
    public async Task Hub_StoppedUnderLoad_HasAcceptedExactlyWhatItKeeps()
    {
        await using var hub = await HubProcess.StartAsync(Cancellation);
        var devices = await hub.CreateDevicesAsync("stop", DeviceCount, Cancellation);
        var history = new HistoryChecker();
        var load = new TelemetryLoad(hub, devices, history);
        for (var stop = 0; stop < 3; stop++)
        {
            var running = load.RunAsync(Cancellation);
            await history.WhenAcceptedAsync(AcceptedMax).WaitAsync(LoadLimit, Cancellation);
            var exitCode = await hub.StopAsync(Cancellation);
            await running;
            Assert.True(exitCode == 0, $"exit code {exitCode}:\n{hub.LogTail()}");
            await hub.StartAgainAsync(Cancellation);
        }

        var partitions = await ReadAllAsync(hub);

        Assert.Equal([], Judge(history, partitions, seed: 0));
        Assert.Equal(history.AcceptedCount, partitions.Values.Sum(events => events.Count));
    }

    private static IEnumerable<string> Judge(HistoryChecker history, Partitions partitions, int seed)
    {
        var violations = history.Violations(partitions);
        var read = partitions.Values.Sum(events => events.Count);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"HUBBUB_SEED={seed}: {history.AcceptedCount} accepted, {read} read, {violations.Count} violations");
        return violations.Take(10);
    }

    private static async Task<Partitions> ReadAllAsync(HubProcess hub)
    {
        var partitions = new Dictionary<string, IReadOnlyList<ReadEvent>>();
        await using var service = await NetLitePeer.OpenServiceAsync(hub);
        foreach (var partition in new[] { "0", "1", "2", "3" })
        {
            var last = await service.LastSequenceAsync(hub, partition);
            var reader = service.OpenReader(hub, partition, -1, $"reader-{partition}");
            partitions[partition] = last < 0 ? [] : await ReadAsync(reader, last);
        }
        return partitions;
    }

    private static async Task<IReadOnlyList<ReadEvent>> ReadAsync(ReceiverLink reader, long lastSequence)
    {
        var events = new List<ReadEvent>();
        reader.SetCredit(2000);
        while (events.Count == 0 || events[^1].Sequence < lastSequence)
        {
            using var message = await reader.ReceiveAsync(TimeSpan.FromSeconds(10))
                ?? throw new TimeoutException($"{events.Count} of {lastSequence + 1} events came");
            var annotations = message.MessageAnnotations;
            var id = message.Properties.MessageId.Split('/');
            events.Add(new ReadEvent(
                (long)annotations[new Symbol("x-opt-sequence-number")],
                long.Parse((string)annotations[new Symbol("x-opt-offset")], CultureInfo.InvariantCulture),
                id[0],
                int.Parse(id[1], CultureInfo.InvariantCulture)));
            reader.Accept(message);
        }
        await reader.CloseAsync();
        return events;
    }
}
