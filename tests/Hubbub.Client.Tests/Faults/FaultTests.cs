using System.Globalization;

namespace Hubbub.Client.Tests.Faults;

/// <summary>
/// Clients against the hub with a proxy between that cuts, swallows, slows and refuses, with tokens that run out, while
/// the hub itself restarts; a thousand seeded schedules: nothing accepted is lost, nothing is reported sent that is not
/// there, and nothing hangs. HUBBUB_SEED replays one.
/// </summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    private const int TelemetrySchedules = 750;
    private const int ReaderSchedules = 100;
    private const int CommandSchedules = 100;
    private const int MixedSchedules = 50;
    private const int AtATime = 24;

    /// <summary>A hub takes five readers of a partition in a consumer group (eventhubs.md 5.2).</summary>
    private const int ReadersAtATime = 4;

    [Fact]
    public async Task Telemetry_UnderAnySchedule_IsNeverLostOnceAccepted()
    {
        await using var hub = await RealHub.StartAsync();
        var devices = await DevicesAsync(hub, AtATime);
        var runs = Seeds(TelemetrySchedules).Select(seed => new TelemetryRun(seed)).ToList();

        await ForEachAsync(hub, runs, 75, (run, lane) => run.RunAsync(hub.PlainPort, devices[lane]));

        var stored = await StoredAsync(hub);
        foreach (var run in runs)
            run.Check(stored.TryGetValue(run.Seed, out var numbers) ? numbers : []);
        var accepted = runs.Sum(run => run.AcceptedCount);
        output.WriteLine($"{accepted} accepted, {runs.Sum(run => run.FailedCount)} failed");
        // Schedules in which hardly anything arrives would prove nothing.
        Assert.True(runs.Count == 1 || accepted > runs.Count * 5);
    }

    [Fact]
    public async Task Readers_UnderAnySchedule_SeeEachEventOnceAndInOrder()
    {
        await using var hub = await RealHub.StartAsync();
        foreach (var connectionString in await DevicesAsync(hub, 8))
        {
            await using var device = DeviceClient.CreateFromConnectionString(connectionString);
            await device.SendBatchAsync(
                Enumerable.Range(0, 100).Select(i => new TelemetryMessage(new byte[i])), Some.Patience);
        }
        var last = await LastAsync(hub);
        var runs = Seeds(ReaderSchedules).Select(seed => new ReaderRun(seed)).ToList();

        await ForEachAsync(hub, runs, 20, (run, _) => run.RunAsync(hub, last), ReadersAtATime);

        Assert.Equal(800, last.Values.Sum(number => number + 1));
    }

    [Fact]
    public async Task Commands_UnderAnySchedule_ComeOnceAcceptedAndNotAgainOnceCompleted()
    {
        await using var hub = await RealHub.StartAsync();
        var devices = await DevicesAsync(hub, AtATime);
        var runs = Seeds(CommandSchedules).Select(seed => new CommandRun(seed)).ToList();

        await ForEachAsync(hub, runs, 20, (run, lane) => run.RunAsync(hub, devices[lane]));

        Assert.True(runs.Sum(run => run.CompletedCount) > runs.Count);
    }

    [Fact]
    public async Task Everything_AtOnceUnderAnySchedule_HoldsWhatItWasTold()
    {
        const int Groups = 3;
        await using var hub = await RealHub.StartAsync();
        var groups = new[] { "$Default", "second", "third" };
        foreach (var group in groups[1..])
            await hub.CreateConsumerGroupAsync(group);
        var devices = await DevicesAsync(hub, Groups * ReadersAtATime);
        var board = new FeedbackBoard();
        var checkpoints = Directory.CreateTempSubdirectory("hubbub-checkpoints-");
        var runs = Seeds(MixedSchedules).Select(seed => new MixedRun(seed)).ToList();

        await ForEachAsync(
            hub,
            runs,
            8,
            (run, lane) => run.RunAsync(hub, devices[lane], groups[lane % Groups], board, checkpoints.FullName),
            devices.Length);

        checkpoints.Delete(recursive: true);
        output.WriteLine($"{runs.Sum(run => run.AcceptedCount)} accepted, {runs.Sum(run => run.OutcomeCount)} outcomes");
        Assert.True(runs.Count == 1 || runs.Sum(run => run.OutcomeCount) > runs.Count);
    }

    private static async Task<Dictionary<string, long>> LastAsync(RealHub hub)
    {
        await using var reader = EventReader.CreateFromConnectionString(hub.EmulatorString());
        var last = new Dictionary<string, long>();
        foreach (var id in (await reader.GetPropertiesAsync(Some.Patience)).PartitionIds)
        {
            var partition = await reader.GetPartitionPropertiesAsync(id, Some.Patience);
            if (!partition.IsEmpty)
                last.Add(id, partition.LastEnqueuedSequenceNumber);
        }
        return last;
    }

    private static async Task<string[]> DevicesAsync(RealHub hub, int count)
    {
        var devices = new string[count];
        for (var i = 0; i < count; i++)
            devices[i] = await hub.CreateDeviceAsync($"faulty-{i}");
        return devices;
    }

    /// <summary>Runs all, some at a time; each lane has one at a time. One in so many restarts the hub.</summary>
    private async Task ForEachAsync<TRun>(
        RealHub hub, List<TRun> runs, int restartOneIn, Func<TRun, int, Task> runAsync, int atATime = AtATime)
        where TRun : FaultRun
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, atATime).Select(lane => Task.Run(async () =>
        {
            for (var i = Interlocked.Increment(ref next); i < runs.Count; i = Interlocked.Increment(ref next))
            {
                try
                {
                    var restarting = runs[i].RestartsHub(restartOneIn) ? hub.RestartAsync() : Task.CompletedTask;
                    await runAsync(runs[i], lane);
                    await restarting;
                }
                catch (Exception)
                {
                    output.WriteLine($"HUBBUB_SEED={runs[i].Seed}");
                    throw;
                }
            }
        }, Some.Patience)));
    }

    /// <summary>What the hub has, read without faults: the numbers of each seed, in order.</summary>
    private static async Task<Dictionary<int, List<int>>> StoredAsync(RealHub hub)
    {
        await using var reader = EventReader.CreateFromConnectionString(hub.EmulatorString());
        var partitions = (await reader.GetPropertiesAsync(Some.Patience)).PartitionIds;
        var stored = new Dictionary<int, List<int>>();
        foreach (var id in partitions)
        {
            var properties = await reader.GetPartitionPropertiesAsync(id, Some.Patience);
            if (properties.IsEmpty)
                continue;
            await foreach (var received in reader.ReadPartitionAsync(id, EventPosition.Start, Some.Patience))
            {
                var parts = received.MessageId!.Split('/');
                var seed = int.Parse(parts[0], CultureInfo.InvariantCulture);
                if (!stored.TryGetValue(seed, out var numbers))
                    stored.Add(seed, numbers = []);
                numbers.Add(int.Parse(parts[1], CultureInfo.InvariantCulture));
                if (received.SequenceNumber == properties.LastEnqueuedSequenceNumber)
                    break;
            }
        }
        return stored;
    }

    private IEnumerable<int> Seeds(int count)
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("HUBBUB_SEED"), out var given))
            return [given];
        var first = Random.Shared.Next(1, int.MaxValue - count);
        output.WriteLine($"HUBBUB_SEED={first}...");
        return Enumerable.Range(first, count);
    }
}
