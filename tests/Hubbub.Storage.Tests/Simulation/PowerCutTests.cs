using Hubbub.Storage.Events;
using Hubbub.Storage.Tests.Events;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Storage.Tests.Simulation;

/// <summary>
/// The log on a disk that loses, tears and reorders what was not synced. Run one seed again with HUBBUB_SEED=n.
/// </summary>
public sealed class PowerCutTests
{
    private const string Directory = "/simulated/events";

    private static readonly int? OnlySeed =
        int.TryParse(Environment.GetEnvironmentVariable("HUBBUB_SEED"), out var seed) ? seed : null;

    [Fact]
    public async Task PowerCut_AtRandomMoments_LosesNothingAcknowledged()
    {
        var first = OnlySeed ?? 1;
        var acknowledged = 0;
        var cuts = 0;
        for (var seed = first; seed < (OnlySeed is null ? first + 3000 : first + 1); seed++)
        {
            var world = new World(seed, new SimulatedDisk(seed));
            for (var life = 0; life < 4; life++)
            {
                world.Disk.CutPowerAtCall = world.Disk.CallCount + world.Random.Next(1, 60);
                await world.LiveAsync(steps: 40);
                cuts++;
            }
            await world.CheckAsync();
            acknowledged += world.History.AcknowledgedCount;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{cuts} lives, {acknowledged} events acknowledged, none lost");
        Assert.True(OnlySeed is not null || acknowledged > 50_000);
    }

    [Fact]
    public async Task PowerCut_AtEachCallOfAWorkload_LosesNothingAcknowledged()
    {
        const int seed = 7;
        var whole = new World(seed, new SimulatedDisk(seed));
        await whole.LiveAsync(steps: 150);
        await whole.CheckAsync();
        var calls = whole.Disk.CallCount;
        Assert.True(calls > 150);
        for (var call = 0; call < calls; call++)
        {
            foreach (var variant in (int[])[1, 2, 3])
            {
                var disk = new SimulatedDisk((variant * 1000) + call);
                var world = new World(seed, disk) { Name = $"call {call} variant {variant}" };
                world.Disk.CutPowerAtCall = call;
                await world.LiveAsync(steps: 150);
                await world.CheckAsync();
            }
        }
    }

    [Fact]
    public async Task Sync_FailsOnce_NothingIsAcknowledgedAnyMore()
    {
        for (var seed = OnlySeed ?? 1; seed < (OnlySeed + 1 ?? 500); seed++)
        {
            var world = new World(seed, new SimulatedDisk(seed));
            var failAt = world.Random.Next(3, 25); // Not while the stream itself is made.
            var syncs = 0;
            world.Disk.Fails = (call, _) => call == DiskCall.Sync && ++syncs == failAt;
            await world.LiveAsync(steps: 60);
            Assert.True(syncs <= failAt || world.Observer.Fatals.Count > 0);
            // Only the process ends: the kernel still shows what never reached the disk, and says nothing more about
            // it.
            world.Disk.Fails = null;
            if (seed % 2 == 0)
                world.Disk.Restart();
            await world.LiveAsync(steps: world.Random.Next(10));
            world.Disk.Restart();
            await world.CheckAsync();
        }
    }

    [Fact]
    public async Task Disk_FullAndFreedAgain_RefusesWholeCommitsAndGoesOn()
    {
        var refused = 0;
        for (var seed = OnlySeed ?? 1; seed < (OnlySeed + 1 ?? 500); seed++)
        {
            var world = new World(seed, new SimulatedDisk(seed));
            world.Disk.CapacityBytes = world.Random.Next(3_000, 60_000);
            await world.LiveAsync(steps: 60);
            Assert.Empty(world.Observer.Fatals);
            world.Disk.CapacityBytes = long.MaxValue;
            if (world.Random.Next(2) == 0)
                world.Disk.CutPowerAtCall = world.Disk.CallCount + world.Random.Next(1, 40);
            await world.LiveAsync(steps: 30);
            await world.CheckAsync();
            refused += world.History.RefusedCount;
        }
        Assert.True(OnlySeed is not null || refused > 1000);
    }

    /// <summary>One disk, one log with one partition, and the history of what it was sent.</summary>
    private sealed class World(int seed, SimulatedDisk disk)
    {
        private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

        public string? Name { get; init; }

        public SimulatedDisk Disk => disk;

        public Random Random { get; } = new(seed);

        public LogHistory History { get; } = new();

        public RecordingObserver Observer { get; } = new();

        private string Context => $"seed {seed} {Name}";

        /// <summary>A process that opens the log, works, and ends when its steps are done or its disk fails.</summary>
        public async Task LiveAsync(int steps)
        {
            var fatals = Observer.Fatals.Count;
            try
            {
                var log = OpenLog();
                var partition = (EventPartition)log.Partitions[0];
                History.ForgetProducer();
                History.Check(partition, Context);
                for (var step = 0; step < steps && !disk.IsOff && Observer.Fatals.Count == fatals; step++)
                    Step(log, partition);
                if (Random.Next(2) == 0 && !disk.IsOff)
                    await log.DisposeAsync();
            }
            catch (PowerCutException)
            {
                // While opening or reading.
            }
            catch (IOException error) when (error.Message.StartsWith("Simulated", StringComparison.Ordinal))
            {
                // A fault while opening: the process would end with it.
            }
            if (disk.IsOff && Random.Next(3) == 0)
                disk.RestartProcess();
            else if (disk.IsOff)
                disk.Restart();
        }

        /// <summary>The last word: open without faults and compare.</summary>
        public async Task CheckAsync()
        {
            disk.Fails = null;
            disk.CutPowerAtCall = -1;
            await using var log = OpenLog();
            History.Check(log.Partitions[0], Context);
            Assert.True(Observer.Damages.Count == 0, $"{Context}: {string.Join(';', Observer.Damages)}");
        }

        private SegmentedEventLog OpenLog() =>
            SegmentedEventLog.OpenStepwise(disk, Directory, Options(), _time, Observer);

        private static EventLogOptions Options() => new()
        {
            PartitionCount = 1,
            SegmentSizeBytes = 16 * 1024,
            CommitBytesMax = 4 * 1024,
            SaturationBytes = 8 * 1024,
            WaitingBytesMax = 64 * 1024,
            RetentionTime = TimeSpan.FromMinutes(3),
            RetentionInterval = TimeSpan.FromMinutes(1),
        };

        private void Step(SegmentedEventLog log, EventPartition partition)
        {
            switch (Random.Next(12))
            {
                case < 6:
                    History.Append(partition, Random, Random.Next(20) == 0 ? 20_000 : 1500);
                    break;
                case < 10:
                    while (partition.Writer.CommitOnce())
                    {
                    }
                    partition.Writer.RunRequests();
                    break;
                case 10:
                    log.SealWhenIdle();
                    log.SealWhenIdle();
                    partition.Writer.RunRequests();
                    break;
                default:
                    _time.Advance(TimeSpan.FromSeconds(Random.Next(90)));
                    log.ApplyRetention();
                    break;
            }
            if (!disk.IsOff)
                History.NoteOffsets(partition);
        }
    }
}
