using CsCheck;
using Hubbub.Core.Commands;

namespace Hubbub.Core.Tests.Commands;

/// <summary>
/// Random histories of two devices against a list that knows the rules. A failure prints its seed; the environment
/// variable CsCheck_Seed runs it again.
/// </summary>
public sealed class CommandModelTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(CommandLimits.DeadlineGranularityMs);

    /// <summary>One step: what is done, to which device, and a number for what there is to choose.</summary>
    private readonly record struct Step(int Action, int Device, int Choice);

    private static readonly Gen<Step[]> Histories =
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 1], Gen.Int[0, 1_000], static (a, d, c) => new Step(a, d, c)).Array[1, 120];

    [Fact]
    public async Task Queues_AnyHistory_DeliverInOrderAndEndEachCommandOnce() =>
        await Histories.SampleAsync(RunAsync, iter: 150, threads: 1);

    private static async Task RunAsync(Step[] history)
    {
        await using var world = await CommandWorld.CreateAsync(
            new CommandOptions { QueueDepthMax = 6, DeliveryCountMax = 3, FeedbackTimeToLive = TimeSpan.FromDays(2) });
        var devices = new[] { new Model(CommandWorld.D1), new Model(CommandWorld.D2) };
        var expected = new List<(string, CommandOutcome)>();
        foreach (var step in history)
        {
            await DoAsync(world, devices, devices[step.Device], step, expected);
            foreach (var device in devices)
                device.Expire(world.Time.GetUtcNow(), expected);
            Assert.Equal(devices.Sum(static d => d.Pending.Count), world.Store.Commands.Length);
            Assert.Equal(world.Store.Commands.Length, world.Queues.Counters.Pending);
        }
        var told = (await world.TakeFeedbackAsync()).Select(static f => (f.Id!, f.Outcome));
        Assert.Equal(expected.Order(), told.Order());
        Assert.Equal(world.Store.Ends.Count, world.Store.Ends.DistinctBy(static e => e.SequenceNumber).Count());
    }

    private static async Task DoAsync(
        CommandWorld world, Model[] devices, Model device, Step step, List<(string, CommandOutcome)> expected)
    {
        switch (step.Action)
        {
            case 0 or 1 or 2:
                await SendAsync(world, device, step.Choice);
                break;
            case 3 or 4:
                await ReceiveAsync(world, device, 1 + step.Choice % 3);
                break;
            case 5 or 6 when device.Locked.Count > 0:
                await SettleAsync(world, device, step.Choice, expected);
                break;
            case 7:
                world.Time.Advance(TimeSpan.FromSeconds(1 + step.Choice % 90) + Tick);
                break;
            case 8:
                device.Receiver = new TestReceiver();
                world.Queues.Attach(device.Target, device.Receiver);
                device.Unlock();
                break;
            case 9 when step.Choice % 3 == 0:
                await world.OpenAsync();
                foreach (var each in devices)
                {
                    each.Receiver = null;
                    each.Unlock();
                }
                // What is overdue ends with the first tick.
                world.Time.Advance(Tick);
                break;
        }
        // Deadlines set in the past are due at once; the fake clock fires them when it moves.
        world.Time.Advance(Tick);
    }

    private static async Task SendAsync(CommandWorld world, Model device, int choice)
    {
        var id = $"{device.Target.DeviceId}-{choice}-{device.Sent++}";
        DateTimeOffset? expiresAt = choice % 4 == 0 ? world.Time.GetUtcNow().AddSeconds(5 + choice % 100) : null;

        var error = await world.SendAsync(id, device.Target, expiresAt: expiresAt);

        if (device.Pending.Count >= 6)
        {
            Assert.Equal(HubErrorCode.DeviceMaximumQueueDepthExceeded, error?.Code);
            return;
        }
        Assert.Null(error);
        device.Pending.Add(new Entry(id, expiresAt ?? world.Time.GetUtcNow().AddHours(1)));
    }

    private static async Task ReceiveAsync(CommandWorld world, Model device, int countMax)
    {
        if (device.Receiver is null)
            return;
        var received = await world.ReceiveAsync(device.Target, countMax, device.Receiver);
        var waiting = device.Pending.Where(static e => e.Lock is null).Take(countMax).ToArray();
        Assert.Equal(waiting.Select(static e => e.Id), CommandWorld.Ids(received));
        Assert.Equal(waiting.Select(static e => e.DeliveryCount), received.Select(static c => c.DeliveryCount));
        for (var i = 0; i < waiting.Length; i++)
            (waiting[i].Lock, waiting[i].LockedUntil) = (received[i].LockToken, received[i].LockedUntil);
    }

    private static async Task SettleAsync(
        CommandWorld world, Model device, int choice, List<(string, CommandOutcome)> expected)
    {
        var entry = device.Locked[choice % device.Locked.Count];
        var disposition = (CommandDisposition)(choice % 4);

        Assert.Null(await world.Queues.SettleAsync(
            device.Target, entry.Lock!.Value, disposition, TestContext.Current.CancellationToken));

        entry.Lock = null;
        CommandOutcome? outcome = disposition switch
        {
            CommandDisposition.Complete => CommandOutcome.Success,
            CommandDisposition.Reject => CommandOutcome.Rejected,
            CommandDisposition.Abandon when ++entry.DeliveryCount == 3 => CommandOutcome.DeliveryCountExceeded,
            _ => null,
        };
        if (outcome is not { } ended)
            return;
        device.Pending.Remove(entry);
        expected.Add((entry.Id, ended));
    }

    private sealed class Entry(string id, DateTimeOffset expiresAt)
    {
        public string Id { get; } = id;

        public DateTimeOffset ExpiresAt { get; } = expiresAt;

        public int DeliveryCount { get; set; }

        public Guid? Lock { get; set; }

        public DateTimeOffset LockedUntil { get; set; }
    }

    private sealed class Model(CommandTarget target)
    {
        public CommandTarget Target { get; } = target;

        public TestReceiver? Receiver { get; set; }

        public int Sent { get; set; }

        public List<Entry> Pending { get; } = [];

        public List<Entry> Locked => [.. Pending.Where(static e => e.Lock is not null)];

        public void Unlock() => Pending.ForEach(static e => e.Lock = null);

        public void Expire(DateTimeOffset now, List<(string, CommandOutcome)> expected)
        {
            foreach (var entry in Pending.ToArray())
            {
                // The hub looks at deadlines on the next multiple of its granularity.
                if (entry.Lock is not null && Due(entry.LockedUntil) <= now)
                    entry.Lock = null;
                if (entry.Lock is not null || Due(entry.ExpiresAt) > now)
                    continue;
                Pending.Remove(entry);
                expected.Add((entry.Id, CommandOutcome.Expired));
            }
        }

        private static DateTimeOffset Due(DateTimeOffset time)
        {
            var ms = time.ToUnixTimeMilliseconds();
            var tick = (long)Tick.TotalMilliseconds;
            return DateTimeOffset.FromUnixTimeMilliseconds((ms + tick - 1) / tick * tick);
        }
    }
}
