using Hubbub.Core.Commands;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Tests.Commands;

/// <summary>Purging, and the deletion of the device.</summary>
public sealed class CommandRemovalTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Purge_EndsWhatWaitsAndWhatIsLocked()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a", "b");
        Assert.Null(await world.SendAsync("quiet", ack: FeedbackMode.Positive));
        Assert.Null(await world.SendAsync("other", CommandWorld.D2));
        await world.ReceiveOneAsync();

        Assert.Equal(3, (await world.Queues.PurgeAsync(CommandWorld.D1, Cancellation)).Value);

        Assert.Equal([("a", CommandOutcome.Purged), ("b", CommandOutcome.Purged)], await world.TakeFeedbackAsync());
        Assert.Equal(["other"], world.Store.Commands.Select(c => c.MessageId));
        Assert.Equal(0, (await world.Queues.PurgeAsync(CommandWorld.D1, Cancellation)).Value);
        Assert.Equal(
            HubErrorCode.DeviceNotFound, (await world.Queues.PurgeAsync(new CommandTarget("no"), Cancellation)).Error?.Code);
    }

    [Fact]
    public async Task DeviceDeleted_QueueFeedbackAndReceiver_GoWithIt()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("done", "locked", "waits");
        Assert.Null(await world.SendAsync("module", CommandWorld.M1));
        Assert.Null(await world.SendAsync("other", CommandWorld.D2, expiresAt: world.Time.GetUtcNow().AddSeconds(1)));
        await world.SettleAsync(await world.ReceiveOneAsync(), CommandDisposition.Complete);
        var locked = await world.ReceiveOneAsync();

        await world.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);

        Assert.Equal(HubErrorCode.DeviceNotFound, world.Receiver.Displaced?.Code);
        Assert.Equal(HubErrorCode.DeviceMessageLockLost, (await world.SettleAsync(locked, CommandDisposition.Complete))?.Code);
        Assert.Equal(["other"], world.Store.Commands.Select(c => c.MessageId));
        Assert.Empty(world.Store.Feedback);
        Assert.Equal(1, world.Queues.Counters.Pending);
        await world.Registry.CreateDeviceAsync(new DeviceDescription { DeviceId = "d1" }, Cancellation);
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        Assert.Empty(await world.ReceiveAsync());
        world.Time.Advance(TimeSpan.FromDays(2));
        Assert.Empty(world.Store.Commands);
    }

    [Fact]
    public async Task DeviceDeleted_WhileACommandIsBeingStored_RefusesIt()
    {
        await using var world = await CommandWorld.CreateAsync();
        var stored = new TaskCompletionSource();
        world.Store.Gate = stored.Task;
        var sending = world.SendAsync("a");

        await world.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);
        stored.SetResult();

        Assert.Equal(HubErrorCode.DeviceNotFound, (await sending)?.Code);
        Assert.Empty(world.Store.Commands);
        Assert.Equal(0, world.Queues.Counters.Pending);
    }

    [Theory]
    [InlineData(CommandDisposition.Complete)]
    [InlineData(CommandDisposition.Abandon)]
    public async Task DeviceDeleted_WhileAnOutcomeIsBeingStored_LeavesNothing(CommandDisposition disposition)
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a");
        var command = await world.ReceiveOneAsync();
        var stored = new TaskCompletionSource();
        world.Store.Gate = stored.Task;
        var settling = world.SettleAsync(command, disposition);

        await world.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);
        stored.SetResult();

        Assert.Null(await settling);
        Assert.Empty(world.Store.Commands);
        Assert.Empty(world.Store.Feedback);
        Assert.Equal(0, world.Queues.Counters.Pending);
        Assert.Empty(await world.TakeFeedbackAsync());
    }
}
