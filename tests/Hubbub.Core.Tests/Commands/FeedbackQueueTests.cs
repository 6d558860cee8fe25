using Hubbub.Core.Commands;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Tests.Commands;

/// <summary>How feedback is gathered, handed over, given back and forgotten.</summary>
public sealed class FeedbackQueueTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AtOnce_AnOutcome_WakesTheReceiverAndIsThere()
    {
        await using var world = await WithAnOutcomeAsync();

        Assert.True(world.Feedback.Wakes > 0);
        var message = Take(world)!;
        Assert.Equal(["0"], message.Records.Select(r => r.OriginalMessageId));
        Assert.Null(Take(world));
        Assert.Single(world.Store.Feedback);
    }

    [Fact]
    public async Task AtOnce_ManyWaiting_AreHandedOver64AtATime()
    {
        await using var world = await CommandWorld.CreateAsync(new CommandOptions { QueueDepthMax = null });
        await EndAsync(world, 130);

        int[] sizes =
        [
            Take(world)!.Records.Count,
            Take(world)!.Records.Count,
            Take(world)!.Records.Count,
        ];

        Assert.Equal([64, 64, 2], sizes);
    }

    [Fact]
    public async Task Batching_WaitsFor64RecordsOr15Seconds()
    {
        await using var world = await CommandWorld.CreateAsync(
            new CommandOptions { QueueDepthMax = null, FeedbackBatchWait = TimeSpan.FromSeconds(15) });
        await EndAsync(world, 63);
        Assert.Null(Take(world));

        await EndAsync(world, 2);
        Assert.Equal(64, Take(world)!.Records.Count);
        Assert.Null(Take(world));

        var wakes = world.Feedback.Wakes;
        world.Time.Advance(TimeSpan.FromSeconds(14));
        Assert.Null(Take(world));
        world.Time.Advance(TimeSpan.FromSeconds(1.25));
        Assert.True(world.Feedback.Wakes > wakes);
        Assert.Single(Take(world)!.Records);
    }

    [Fact]
    public async Task Lock_After60Seconds_GivesTheMessageToAnother()
    {
        await using var world = await CommandWorld.CreateAsync();
        var other = new TestFeedbackReceiver();
        world.Queues.Feedback.Attach(other);
        await EndAsync(world, 1);
        var first = Take(world)!;

        world.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Null(world.Queues.Feedback.TryReceive(other));
        world.Time.Advance(TimeSpan.FromSeconds(1.25));

        var second = world.Queues.Feedback.TryReceive(other)!;
        Assert.Equal(first.Records, second.Records);
        Assert.Equal(0, second.DeliveryCount);
        Assert.Equal(HubErrorCode.DeviceMessageLockLost, (await SettleAsync(world, first, CommandDisposition.Complete))?.Code);
        Assert.Null(await SettleAsync(world, second, CommandDisposition.Complete));
        Assert.Empty(world.Store.Feedback);
    }

    [Fact]
    public async Task Detach_WithAMessageLocked_GivesItToAnotherAtOnce()
    {
        await using var world = await CommandWorld.CreateAsync();
        var other = new TestFeedbackReceiver();
        world.Queues.Feedback.Attach(other);
        await EndAsync(world, 1);
        Take(world);
        var wakes = other.Wakes;

        world.Queues.Feedback.Detach(world.Feedback);

        Assert.True(other.Wakes > wakes);
        Assert.Null(Take(world));
        Assert.NotNull(world.Queues.Feedback.TryReceive(other));
    }

    [Fact]
    public async Task Abandon_TenTimes_DropsTheMessage()
    {
        await using var world = await WithAnOutcomeAsync();

        for (var delivery = 0; delivery < 10; delivery++)
        {
            var message = Take(world)!;
            Assert.Equal(delivery, message.DeliveryCount);
            Assert.Null(await SettleAsync(world, message, CommandDisposition.Abandon));
        }

        Assert.Null(Take(world));
        Assert.Empty(world.Store.Feedback);
        Assert.Equal(1, world.Queues.Counters.FeedbackDropped);
    }

    [Fact]
    public async Task Abandon_BeforeAndAfterARestart_CountsOn()
    {
        await using var world = await WithAnOutcomeAsync();
        for (var delivery = 0; delivery < 6; delivery++)
            await SettleAsync(world, Take(world)!, CommandDisposition.Abandon);

        await world.OpenAsync();
        await EndAsync(world, 1);

        var old = Take(world)!;
        Assert.Equal((6, 1), (old.DeliveryCount, old.Records.Count));
        var young = Take(world)!;
        Assert.Equal(0, young.DeliveryCount);
        for (var delivery = 6; delivery < 10; delivery++)
        {
            Assert.Null(await SettleAsync(world, old, CommandDisposition.Abandon));
            old = delivery < 9 ? Take(world)! : old;
        }
        Assert.Null(await SettleAsync(world, young, CommandDisposition.Complete));
        Assert.Empty(world.Store.Feedback);
        Assert.Equal(1, world.Queues.Counters.FeedbackDropped);
    }

    [Fact]
    public async Task Abandon_ThatCannotBeStored_GivesTheMessageAgain()
    {
        await using var world = await WithAnOutcomeAsync();
        world.Store.IsFull = true;
        var message = Take(world)!;

        Assert.Equal(HubErrorCode.StorageFull, (await SettleAsync(world, message, CommandDisposition.Abandon))?.Code);
        message = Take(world)!;
        Assert.Equal(HubErrorCode.StorageFull, (await SettleAsync(world, message, CommandDisposition.Complete))?.Code);

        world.Store.IsFull = false;
        message = Take(world)!;
        Assert.Null(await SettleAsync(world, message, CommandDisposition.Complete));
        Assert.Empty(world.Store.Feedback);
    }

    [Fact]
    public async Task DeviceDeleted_WhileAMessageIsLocked_ItsRecordsDoNotComeAgain()
    {
        await using var world = await WithAnOutcomeAsync();
        await EndAsync(world, 1, CommandWorld.D2);
        var message = Take(world)!;

        await world.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);

        Assert.Equal(2, message.Records.Count);
        Assert.Null(await SettleAsync(world, message, CommandDisposition.Abandon));
        var again = Take(world)!;
        Assert.Equal([CommandWorld.D2], again.Records.Select(r => r.Target));
        await world.Registry.DeleteDeviceAsync("d2", IfMatch.Any, Cancellation);
        Assert.Null(await SettleAsync(world, again, CommandDisposition.Abandon));
        Assert.Null(Take(world));
        Assert.Empty(world.Store.Feedback);
        Assert.Equal(0, world.Queues.Feedback.Count);
    }

    [Fact]
    public async Task TimeToLive_AMessageThatWasGivenBack_IsForgottenToo()
    {
        await using var world = await WithAnOutcomeAsync();
        var message = Take(world)!;
        world.Queues.Feedback.Detach(world.Feedback);

        world.Time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(1));

        Assert.Empty(world.Store.Feedback);
        Assert.Equal(HubErrorCode.DeviceMessageLockLost, (await SettleAsync(world, message, CommandDisposition.Complete))?.Code);
    }

    [Fact]
    public async Task TimeToLive_NobodyReads_ForgetsTheRecordAfterAnHour()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Feedback.Detach(world.Feedback);
        await EndAsync(world, 1);

        world.Time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(1));
        Assert.Single(world.Store.Feedback);
        world.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.Empty(world.Store.Feedback);
        Assert.Equal(0, world.Queues.Feedback.Count);
    }

    [Fact]
    public async Task Restart_WithAMessageLocked_HandsItOverAgain()
    {
        await using var world = await CommandWorld.CreateAsync();
        await EndAsync(world, 2);
        var before = Take(world)!;

        await world.OpenAsync();

        Assert.Equal(before.Records, Take(world)!.Records);
        await EndAsync(world, 1);
        Assert.Equal(3, Take(world)!.Records[0].SequenceNumber);
    }

    [Fact]
    public async Task DeviceDeleted_OnlyItsRecordsGo_AlsoFromAMessageThatWasGivenBack()
    {
        await using var world = await WithAnOutcomeAsync();
        await EndAsync(world, 1, CommandWorld.D2);
        var message = Take(world)!;
        Assert.Equal(2, message.Records.Count);
        await SettleAsync(world, message, CommandDisposition.Release);

        await world.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);

        var again = Take(world)!;
        Assert.Equal([CommandWorld.D2], again.Records.Select(r => r.Target));
        Assert.Single(world.Store.Feedback);
    }

    private static ValueTask<HubError?> SettleAsync(
        CommandWorld world, FeedbackMessage message, CommandDisposition disposition) =>
        world.Queues.Feedback.SettleAsync(message.LockToken, disposition, Cancellation);

    /// <summary>The next message for the world's receiver; null when there is none.</summary>
    private static FeedbackMessage? Take(CommandWorld world) => world.Queues.Feedback.TryReceive(world.Feedback);

    /// <summary>A world in which one command was sent and completed.</summary>
    private static async Task<CommandWorld> WithAnOutcomeAsync()
    {
        var world = await CommandWorld.CreateAsync();
        await EndAsync(world, 1);
        return world;
    }

    /// <summary>Sends commands and completes them.</summary>
    private static async Task EndAsync(CommandWorld world, int count, CommandTarget? target = null)
    {
        var to = target ?? CommandWorld.D1;
        world.Queues.Attach(to, world.Receiver);
        for (var i = 0; i < count; i++)
        {
            Assert.Null(await world.SendAsync($"{i}", to));
            Assert.Null(await world.SettleAsync(await world.ReceiveOneAsync(to), CommandDisposition.Complete, to));
        }
        world.Queues.Detach(to, world.Receiver);
    }
}
