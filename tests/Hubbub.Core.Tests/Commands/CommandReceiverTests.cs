using Hubbub.Core.Commands;

namespace Hubbub.Core.Tests.Commands;

/// <summary>One receiver an identity: the newest, with what its predecessor held.</summary>
public sealed class CommandReceiverTests
{
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
}
