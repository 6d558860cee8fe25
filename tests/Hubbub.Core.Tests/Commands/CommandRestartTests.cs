using Hubbub.Core.Commands;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Tests.Commands;

/// <summary>What a restart finds.</summary>
public sealed class CommandRestartTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(CommandLimits.DeadlineGranularityMs);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

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
    public async Task Commands_ThatCannotBeRead_GoBackUncounted_AndAreNamedToAll()
    {
        await using var world = await CommandWorld.CreateAsync(new() { CountsLockExpiry = true });
        await world.SendAllAsync("a", "b");
        await world.OpenAsync();
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        world.Store.ReadFailure = "disk I/O error.";

        Assert.Empty(await world.ReceiveAsync());

        Assert.Equal(HubErrorCode.ServiceUnavailable, world.Receiver.Displaced?.Code);
        Assert.Equal(
            "2 commands of device 'd1', from sequence number 1 on, cannot be read: disk I/O error. "
            + "They stay in the queue; receive again later.",
            world.Receiver.Displaced?.Message);
        Assert.Equal([world.Receiver.Displaced], world.Unreadable);
        world.Store.ReadFailure = null;
        world.Queues.Attach(CommandWorld.D1, world.Receiver);
        var again = await world.ReceiveAsync();
        Assert.Equal(["a", "b"], CommandWorld.Ids(again));
        Assert.Equal([0, 0], again.Select(c => c.DeliveryCount));
    }

    [Fact]
    public async Task Pull_OfACommandThatCannotBeRead_SaysSo_AndLeavesItToTheNext()
    {
        await using var world = await CommandWorld.CreateAsync();
        await world.SendAllAsync("a");
        await world.OpenAsync();
        world.Store.ReadFailure = "disk I/O error.";

        var refused = await world.Queues.PullAsync(CommandWorld.D1, null, Cancellation);
        world.Store.ReadFailure = null;
        var pulled = await world.Queues.PullAsync(CommandWorld.D1, null, Cancellation);

        Assert.Equal(HubErrorCode.ServiceUnavailable, refused.Error?.Code);
        Assert.Equal([refused.Error], world.Unreadable);
        Assert.Equal("a", System.Text.Encoding.UTF8.GetString(pulled.Value!.Payload.Span));
        Assert.Equal(0, pulled.Value.DeliveryCount);
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
}
