using Hubbub.Core.Commands;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Tests.Commands;

/// <summary>A command's way from its sending to its outcome, with a moved clock.</summary>
public sealed class CommandQueuesTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(CommandLimits.DeadlineGranularityMs);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Receive_SeveralCommands_ComeInTheOrderOfSending()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a", "b", "c");

        var received = await world.ReceiveAsync();

        Assert.Equal(["a", "b", "c"], CommandWorld.Ids(received));
        Assert.Equal([1, 2, 3], received.Select(c => c.SequenceNumber));
        Assert.All(received, c => Assert.Equal(0, c.DeliveryCount));
        Assert.Equal(3, received.Select(c => c.LockToken).Distinct().Count());
        Assert.Empty(await world.ReceiveAsync());
        Assert.Equal(0, world.Store.PayloadReads);
    }

    [Fact]
    public async Task Send_ToAWaitingDevice_WakesItOnceTheCommandIsStored()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        var wakes = world.Receiver.Wakes;
        var stored = new TaskCompletionSource();
        world.Store.Gate = stored.Task;

        var sending = world.SendAsync("a");

        Assert.False(sending.IsCompleted);
        Assert.Equal(wakes, world.Receiver.Wakes);
        Assert.Empty(await world.ReceiveAsync());
        stored.SetResult();
        Assert.Null(await sending);
        Assert.Equal(wakes + 1, world.Receiver.Wakes);
        Assert.Equal(["a"], CommandWorld.Ids(await world.ReceiveAsync()));
    }

    [Fact]
    public async Task Send_WhenTheLaterOneIsStoredFirst_KeepsTheOrder()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        world.Store.Gate = first.Task;
        var sendingFirst = world.SendAsync("a");
        world.Store.Gate = second.Task;
        var sendingSecond = world.SendAsync("b");

        second.SetResult();
        Assert.Null(await sendingSecond);
        Assert.Empty(await world.ReceiveAsync());
        first.SetResult();
        Assert.Null(await sendingFirst);

        Assert.Equal(["a", "b"], CommandWorld.Ids(await world.ReceiveAsync()));
    }

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
    public async Task Send_ToAFullQueue_IsRefusedUntilOneEnds()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        for (var i = 0; i < CommandLimits.QueueDepthDefault; i++)
            await world.SendAllAsync($"{i}");
        var locked = await world.ReceiveOneAsync();

        Assert.Equal(HubErrorCode.DeviceMaximumQueueDepthExceeded, (await world.SendAsync("x"))?.Code);
        Assert.Null(await world.SendAsync("other", CommandWorld.D2));
        await world.SettleAsync(locked, CommandDisposition.Complete);

        Assert.Null(await world.SendAsync("x"));
    }

    [Fact]
    public async Task Send_WithoutABound_TakesMoreThanFifty()
    {
        await using var world = await CommandWorld.CreateAsync(new CommandOptions { QueueDepthMax = null });

        for (var i = 0; i < 200; i++)
            await world.SendAllAsync($"{i}");

        Assert.Equal(200, world.Store.Commands.Length);
    }

    [Fact]
    public async Task Send_WhatMayNotBeSent_IsRefusedAndNotStored()
    {
        await using var world = await CommandWorld.CreateAsync();

        Assert.Equal(HubErrorCode.MessageTooLarge, (await world.SendAsync("big", sizeBytes: 65_537))?.Code);
        Assert.Null(await world.SendAsync("just", sizeBytes: 65_536));
        Assert.Equal(HubErrorCode.DeviceNotFound, (await world.SendAsync("a", new CommandTarget("D1")))?.Code);
        Assert.Equal(HubErrorCode.DeviceNotFound, (await world.SendAsync("a", new CommandTarget("no", "m1")))?.Code);
        Assert.Equal(HubErrorCode.ModuleNotFound, (await world.SendAsync("a", new CommandTarget("d1", "no")))?.Code);
        world.Store.IsFull = true;
        Assert.Equal(HubErrorCode.StorageFull, (await world.SendAsync("a", CommandWorld.D2))?.Code);

        Assert.Equal(["just"], world.Store.Commands.Select(c => c.MessageId));
        Assert.Equal(1, world.Queues.QueueCount);
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

    [Fact]
    public async Task Attach_ASecondReceiver_TellsTheFirstAndTakesItsCommands()
    {
        await using var world = await CommandWorld.CreateAsync();
        var newest = new TestReceiver();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a", "b");
        var lost = await world.ReceiveAsync();

        world.Queues.Attach(CommandWorld.D1, newest);

        Assert.Equal(HubErrorCode.LinkCreationConflict, world.Receiver.Displaced?.Code);
        Assert.Empty(await world.ReceiveAsync());
        Assert.Equal(["a", "b"], CommandWorld.Ids(await world.ReceiveAsync(receiver: newest)));
        Assert.Equal(HubErrorCode.DeviceMessageLockLost, (await world.SettleAsync(lost[0], CommandDisposition.Complete))?.Code);
        world.Queues.Detach(CommandWorld.D1, world.Receiver);
        Assert.Null(newest.Displaced);
    }

    [Fact]
    public async Task Detach_WithCommandsLocked_GivesThemBackInOrderUncounted()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a", "b", "c", "d");
        await world.ReceiveAsync(countMax: 3);

        world.Queues.Detach(CommandWorld.D1, world.Receiver);
        world.Queues.Attach(CommandWorld.D1, world.Receiver);

        var again = await world.ReceiveAsync();
        Assert.Equal(["a", "b", "c", "d"], CommandWorld.Ids(again));
        Assert.All(again, c => Assert.Equal(0, c.DeliveryCount));
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

    [Fact]
    public async Task Restart_WithLockedAndWaitingCommands_DeliversThemAllAgainInOrder()
    {
        await using var world = await CommandWorld.CreateAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        await world.SendAllAsync("a", "b", "c", "d");
        var taken = await world.ReceiveAsync(countMax: 3);
        await world.SettleAsync(taken[0], CommandDisposition.Complete);
        await world.SettleAsync(taken[1], CommandDisposition.Abandon);

        await world.OpenAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);

        var again = await world.ReceiveAsync();
        Assert.Equal(["b", "c", "d"], CommandWorld.Ids(again));
        Assert.Equal([1, 0, 0], again.Select(c => c.DeliveryCount));
        Assert.Equal(1, world.Store.PayloadReads);
        await world.SendAllAsync("e");
        Assert.Equal(5, (await world.ReceiveOneAsync()).SequenceNumber);
        Assert.Equal([("a", CommandOutcome.Success)], await world.TakeFeedbackAsync());
    }

    [Fact]
    public async Task Restart_AfterTheirTime_ExpiresThemWithFeedback()
    {
        await using var world = await CommandWorld.CreateAsync();
        await world.SendAllAsync("a");
        await world.Queues.DisposeAsync();
        world.Time.Advance(TimeSpan.FromHours(2));

        await world.OpenAsync();
        world.Time.Advance(Tick);

        Assert.Equal([("a", CommandOutcome.Expired)], await world.TakeFeedbackAsync());
    }

    [Fact]
    public async Task Restart_AfterADeletionThatWasCutShort_RemovesWhatWasLeft()
    {
        await using var world = await CommandWorld.CreateAsync();
        await world.SendAllAsync("a");
        Assert.Null(await world.SendAsync("b", expiresAt: world.Time.GetUtcNow()));
        world.Time.Advance(Tick);
        await world.Queues.DisposeAsync();
        Assert.Single(world.Store.Feedback);
        await world.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);
        await world.Registry.CreateDeviceAsync(new DeviceDescription { DeviceId = "d1" }, Cancellation);

        await world.OpenAsync();

        Assert.Empty(world.Store.Commands);
        Assert.Empty(world.Store.Feedback);
        Assert.Empty(await world.TakeFeedbackAsync());
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
