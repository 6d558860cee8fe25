using Hubbub.Core.Commands;

namespace Hubbub.Core.Tests.Commands;

/// <summary>What a device says about a command, and what follows.</summary>
public sealed class CommandSettlingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(CommandDisposition.Complete, FeedbackMode.Full, CommandOutcome.Success)]
    [InlineData(CommandDisposition.Complete, FeedbackMode.Positive, CommandOutcome.Success)]
    [InlineData(CommandDisposition.Complete, FeedbackMode.Negative, null)]
    [InlineData(CommandDisposition.Complete, FeedbackMode.None, null)]
    [InlineData(CommandDisposition.Reject, FeedbackMode.Full, CommandOutcome.Rejected)]
    [InlineData(CommandDisposition.Reject, FeedbackMode.Positive, null)]
    [InlineData(CommandDisposition.Reject, FeedbackMode.Negative, CommandOutcome.Rejected)]
    [InlineData(CommandDisposition.Reject, FeedbackMode.None, null)]
    public async Task Settle_ByAckMode_GivesTheRecordThatWasAskedFor(
        CommandDisposition disposition, FeedbackMode ack, CommandOutcome? outcome)
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        Assert.Null(await world.SendAsync("a", ack: ack));

        Assert.Null(await world.SettleAsync(await world.ReceiveOneAsync(), disposition));

        Assert.Empty(world.Store.Commands);
        Assert.Equal(outcome is null ? [] : [("a", outcome.Value)], await world.TakeFeedbackAsync());
        Assert.Empty(world.Store.Feedback);
        Assert.Equal(0, world.Queues.Counters.Pending);
    }

    [Fact]
    public async Task Settle_OutcomeAndRecord_AreOneWrite()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a");
        world.Time.Advance(TimeSpan.FromSeconds(5));

        await world.SettleAsync(await world.ReceiveOneAsync(), CommandDisposition.Complete);

        var (sequence, record) = Assert.Single(world.Store.Ends);
        Assert.Equal(1, sequence);
        Assert.Equal("a", record!.OriginalMessageId);
        Assert.Equal(CommandWorld.D1, record.Target);
        Assert.Equal(world.Registry.FindDevice("d1")!.GenerationId, record.GenerationId);
        Assert.Equal(world.Time.GetUtcNow(), record.HappenedAt);
    }

    [Fact]
    public async Task Settle_Twice_LosesTheLock()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a", "b");
        var command = await world.ReceiveOneAsync();

        Assert.Null(await world.SettleAsync(command, CommandDisposition.Complete));

        Assert.Equal(HubErrorCode.DeviceMessageLockLost, (await world.SettleAsync(command, CommandDisposition.Reject))?.Code);
        Assert.Equal(
            HubErrorCode.DeviceMessageLockLost,
            (await world.Queues.SettleAsync(CommandWorld.D1, Guid.NewGuid(), CommandDisposition.Complete, Cancellation))?.Code);
    }

    [Fact]
    public async Task Abandon_ReturnsToItsPlaceAndCounts_UntilTheTenth()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a", "b");

        for (var delivery = 0; delivery < 10; delivery++)
        {
            var command = await world.ReceiveOneAsync();
            Assert.Equal("a", Assert.Single(CommandWorld.Ids([command])));
            Assert.Equal(delivery, command.DeliveryCount);
            Assert.Null(await world.SettleAsync(command, CommandDisposition.Abandon));
        }

        Assert.Equal([("a", CommandOutcome.DeliveryCountExceeded)], await world.TakeFeedbackAsync());
        Assert.Equal(["b"], CommandWorld.Ids(await world.ReceiveAsync()));
    }

    [Fact]
    public async Task Release_ReturnsUncounted()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a");

        Assert.Null(await world.SettleAsync(await world.ReceiveOneAsync(), CommandDisposition.Release));

        Assert.Equal(0, (await world.ReceiveOneAsync()).DeliveryCount);
    }

    [Fact]
    public async Task SettleByMessageId_FindsThePendingCommandOfThatDeviceOnly()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a", "b");
        await world.ReceiveOneAsync();

        Task<HubError?> SettleAsync(CommandTarget of, string id, CommandDisposition disposition) =>
            world.Queues.SettleByMessageIdAsync(of, id, disposition, Cancellation).AsTask();
        Assert.Equal(
            HubErrorCode.DeviceMessageLockLost, (await SettleAsync(CommandWorld.D2, "a", CommandDisposition.Complete))?.Code);
        Assert.Null(await SettleAsync(CommandWorld.D1, "a", CommandDisposition.Complete));
        Assert.Null(await SettleAsync(CommandWorld.D1, "b", CommandDisposition.Reject));
        Assert.Equal(
            HubErrorCode.DeviceMessageLockLost, (await SettleAsync(CommandWorld.D1, "a", CommandDisposition.Complete))?.Code);

        Assert.Equal([("a", CommandOutcome.Success), ("b", CommandOutcome.Rejected)], await world.TakeFeedbackAsync());
    }

    [Fact]
    public async Task Settle_WhenTheDiskIsFull_FailsAndTheCommandComesAgain()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a");
        world.Store.IsFull = true;

        Assert.Equal(
            HubErrorCode.StorageFull, (await world.SettleAsync(await world.ReceiveOneAsync(), CommandDisposition.Complete))?.Code);
        Assert.Empty(await world.ReceiveAsync());
        world.Store.IsFull = false;
        world.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.Null(await world.SettleAsync(await world.ReceiveOneAsync(), CommandDisposition.Complete));
        Assert.Equal([("a", CommandOutcome.Success)], await world.TakeFeedbackAsync());
    }
}
