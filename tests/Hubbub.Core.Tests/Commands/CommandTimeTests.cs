using Hubbub.Core.Commands;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Tests.Commands;

/// <summary>Locks and expiry, with a moved clock.</summary>
public sealed class CommandTimeTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(CommandLimits.DeadlineGranularityMs);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Lock_AfterAMinute_GivesTheCommandBack(bool counts)
    {
        await using var world = await CommandWorld.CreateAsync(new CommandOptions { CountsLockExpiry = counts });
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a");
        var first = await world.ReceiveOneAsync();
        var wakes = world.Receiver.Wakes;

        world.Time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromMilliseconds(1));
        Assert.Empty(await world.ReceiveAsync());
        world.Time.Advance(Tick);

        Assert.True(world.Receiver.Wakes > wakes);
        var second = await world.ReceiveOneAsync();
        Assert.Equal(counts ? 1 : 0, second.DeliveryCount);
        Assert.NotEqual(first.LockToken, second.LockToken);
        Assert.Equal(HubErrorCode.DeviceMessageLockLost, (await world.SettleAsync(first, CommandDisposition.Complete))?.Code);
        Assert.Null(await world.SettleAsync(second, CommandDisposition.Complete));
    }

    [Fact]
    public async Task Expiry_NobodyFetches_HappensWithinASecondOfItsTime()
    {
        await using var world = await CommandWorld.CreateAsync();
        Assert.Null(await world.SendAsync("default"));
        Assert.Null(await world.SendAsync("soon", CommandWorld.D2, expiresAt: world.Time.GetUtcNow().AddSeconds(10)));
        Assert.Null(await world.SendAsync("capped", CommandWorld.M1, expiresAt: world.Time.GetUtcNow().AddDays(30)));

        world.Time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromMilliseconds(1));
        Assert.Empty(await world.TakeFeedbackAsync());
        world.Time.Advance(Tick);
        Assert.Equal([("soon", CommandOutcome.Expired)], await world.TakeFeedbackAsync());
        world.Time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(11));
        Assert.Empty(await world.TakeFeedbackAsync());
        world.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([("default", CommandOutcome.Expired)], await world.TakeFeedbackAsync());
        world.Time.Advance(TimeSpan.FromDays(2) - TimeSpan.FromHours(1) - TimeSpan.FromSeconds(10));
        Assert.Single(world.Store.Commands);
        world.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal([("capped", CommandOutcome.Expired)], await world.TakeFeedbackAsync());
        Assert.Empty(world.Store.Commands);
        Assert.Equal(0, world.Queues.QueueCount);
    }

    [Fact]
    public async Task Expiry_InThePast_EndsTheCommandAtOnce()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);

        Assert.Null(await world.SendAsync("late", expiresAt: world.Time.GetUtcNow().AddSeconds(-1)));

        Assert.Empty(await world.ReceiveAsync());
        world.Time.Advance(Tick);
        Assert.Equal([("late", CommandOutcome.Expired)], await world.TakeFeedbackAsync());
    }

    [Fact]
    public async Task Expiry_WhileLocked_WaitsForTheLock()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        Assert.Null(await world.SendAsync("held", expiresAt: world.Time.GetUtcNow().AddSeconds(10)));
        Assert.Null(await world.SendAsync("left", expiresAt: world.Time.GetUtcNow().AddSeconds(10)));
        var held = await world.ReceiveAsync();

        world.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Null(await world.SettleAsync(held[0], CommandDisposition.Complete));
        world.Time.Advance(TimeSpan.FromSeconds(30) + Tick);
        world.Time.Advance(Tick);

        Assert.Equal([("held", CommandOutcome.Success), ("left", CommandOutcome.Expired)], await world.TakeFeedbackAsync());
    }

    [Fact]
    public async Task TwoDays_WithCommandsOfEveryLife_PassInOneStepAndEndEachOnce()
    {
        await using var world = await CommandWorld.CreateAsync(
            new CommandOptions { QueueDepthMax = null, FeedbackTimeToLive = TimeSpan.FromDays(2) });
        for (var hour = 0; hour < 48; hour++)
            Assert.Null(await world.SendAsync($"{hour}", expiresAt: world.Time.GetUtcNow().AddHours(hour).AddMinutes(59)));
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        var held = await world.ReceiveAsync(countMax: 3);

        world.Time.Advance(TimeSpan.FromDays(2));

        Assert.Equal(3, held.Count);
        Assert.Equal(48, world.Queues.Counters.Ended(CommandOutcome.Expired));
        Assert.Empty(world.Store.Commands);
        Assert.Equal(48, world.Store.Ends.Select(e => e.SequenceNumber).Distinct().Count());
    }

    [Fact]
    public async Task IdleDevices_TenThousandOfThem_CostNoTimer()
    {
        await using var world = await CommandWorld.CreateAsync();
        var receivers = new List<TestReceiver>();
        for (var i = 0; i < 10_000; i++)
        {
            var device = new DeviceDescription { DeviceId = $"idle-{i}" };
            Assert.True((await world.Registry.CreateDeviceAsync(device, TestContext.Current.CancellationToken)).IsOk);
            receivers.Add(new TestReceiver());
            world.Queues.Attach(new CommandTarget(device.DeviceId), receivers[i]);
        }
        var (timers, fired) = (world.Time.Timers, world.Time.Fired);

        world.Time.Advance(TimeSpan.FromDays(1));

        Assert.Equal((1, 0), (timers, world.Time.Fired - fired));
        Assert.All(receivers, static r => Assert.Equal(1, r.Wakes));
        Assert.Null(await world.SendAsync("a", new CommandTarget("idle-7")));
        Assert.Equal(2, receivers[7].Wakes);
    }

    [Fact]
    public async Task Expiry_OfVeryManyAtATime_EndsEachOnce()
    {
        await using var world = await CommandWorld.CreateAsync(new CommandOptions { QueueDepthMax = null });
        for (var i = 0; i < 2_000; i++)
            await world.SendAllAsync($"{i}");

        world.Time.Advance(TimeSpan.FromHours(1) + Tick);

        Assert.Equal(Enumerable.Range(0, 2_000).Select(i => $"{i}"), (await world.TakeFeedbackAsync()).Select(f => f.Id));
        Assert.Equal(2_000, world.Queues.Counters.Ended(CommandOutcome.Expired));
    }
}
