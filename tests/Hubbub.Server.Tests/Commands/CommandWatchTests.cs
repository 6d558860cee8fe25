using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Commands;

/// <summary>A service follows the commands of one identity, without taking anybody's feedback.</summary>
public sealed class CommandWatchTests
{
    private const string Address = "/devices/d1/commands";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Watch_OfADevice_TellsEveryChangeInOrder()
    {
        await using var hub = await CommandSteps.StartAsync();
        var watch = await (await hub.ConnectServiceAsync()).CommandReceiverAsync(address: Address);
        var commands = await hub.CommandsAsync();
        await commands.SendAndWaitAsync(CommandSteps.Command("m"));
        Assert.Equal("enqueued m 0", Describe(await watch.ReceiveAsync()));

        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();
        await device.SettleAsync(await device.ReceiveAsync(), Released.Instance);
        await device.SettleAsync(await device.ReceiveAsync(), Accepted.Instance);

        var told = await watch.ReceiveAsync(4);
        Assert.Equal(["delivered m 0", "returned m 1", "delivered m 1", "completed m 1"], told.Select(Describe));
        Assert.All(told, m => Assert.True(m.Transfer.Settled));
        var properties = told[0].Sections.ApplicationProperties!.Value;
        Assert.Equal(AmqpKind.Long, Property(told[0], "iothub-sequence-number").Kind);
        Assert.Equal(AmqpKind.Int, Property(told[0], "iothub-deliverycount").Kind);
        Assert.Equal(AmqpKind.Timestamp, Property(told[0], "iothub-time").Kind);
        Assert.Equal(4, properties.Count);
    }

    [Fact]
    public async Task Watch_Outcomes_AreNamed()
    {
        await using var hub = await CommandSteps.StartAsync();
        var watch = await (await hub.ConnectServiceAsync()).CommandReceiverAsync(address: Address);
        var commands = await hub.CommandsAsync();
        await commands.SendAndWaitAsync(CommandSteps.Command("purged"));
        await hub.Core.Commands.PurgeAsync(new CommandTarget("d1"), Cancellation);
        await commands.SendAndWaitAsync(CommandSteps.Command("expired", change: p => p with
        {
            AbsoluteExpiryTime = hub.Time.GetUtcNow().AddSeconds(1),
        }));
        await hub.AdvanceAsync(TimeSpan.FromSeconds(2), watch.Session.Peer);
        Assert.Equal(
            ["enqueued purged 0", "purged purged 0", "enqueued expired 0", "expired expired 0"],
            (await watch.ReceiveAsync(4)).Select(Describe));

        var device = await (await hub.ConnectDeviceAsync("d1")).CommandReceiverAsync();
        await commands.SendAndWaitAsync(CommandSteps.Command("rejected"));
        await device.SettleAsync(await device.ReceiveAsync(), new Rejected());
        Assert.Equal("rejected rejected 0", Describe((await watch.ReceiveAsync(3))[2]));
        await commands.SendAndWaitAsync(CommandSteps.Command("exceeded"));
        for (var i = 0; i < 10; i++)
            await device.SettleAsync(await device.ReceiveAsync(), Released.Instance);
        Assert.Equal("delivery-count-exceeded exceeded 10", Describe((await watch.ReceiveAsync(21))[20]));
    }

    [Fact]
    public async Task Watch_OfAModule_HearsNothingOfItsDevice()
    {
        await using var hub = await CommandSteps.StartAsync();
        var watch = await (await hub.ConnectServiceAsync()).CommandReceiverAsync(address: "devices/d1/Modules/m1/COMMANDS");
        var commands = await hub.CommandsAsync();

        await commands.SendAndWaitAsync(CommandSteps.Command("device"));
        await commands.SendAndWaitAsync(CommandSteps.Command("module", "/devices/d1/modules/m1/messages/devicebound"));

        Assert.Equal("enqueued module 0", Describe(await watch.ReceiveAsync()));
    }

    [Fact]
    public async Task Watcher_WithoutCredit_LosesTheOldestAndHoldsUpNobody()
    {
        await using var hub = await CommandSteps.StartAsync();
        var watch = await (await hub.ConnectServiceAsync()).CommandReceiverAsync(0, address: Address);
        var commands = await hub.CommandsAsync();
        const int Rounds = CommandLimits.WatchedEventsMax / 2 / 32 + 1;
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < 32; i++)
                await commands.SendAndWaitAsync(CommandSteps.Command($"{round}-{i}", ack: null));
            await hub.Core.Commands.PurgeAsync(new CommandTarget("d1"), Cancellation);
        }

        Assert.Equal(64, hub.Core.Commands.Counters.WatchedDropped);
        await watch.CreditAsync(2);
        Assert.Equal(["enqueued 1-0 0", "enqueued 1-1 0"], (await watch.ReceiveAsync(2)).Select(Describe));
    }

    [Fact]
    public async Task Watch_WithoutTheRightOrTheIdentity_IsRefused()
    {
        await using var hub = await CommandSteps.StartAsync();
        var device = await (await hub.ConnectDeviceAsync("d1")).ReceiverAsync(Address);
        Assert.Equal(ErrorCondition.UnauthorizedAccess, device.Refusal!.Condition.Value);
        var service = await hub.ConnectServiceAsync();
        Assert.Equal(ErrorCondition.NotFound, (await service.ReceiverAsync("/devices/ghost/commands")).Refusal!.Condition.Value);
        Assert.Equal(
            ErrorCondition.NotFound,
            (await service.ReceiverAsync("/devices/d1/modules/ghost/commands")).Refusal!.Condition.Value);
        Assert.Equal(ErrorCondition.NotFound, (await service.SenderAsync(Address)).Refusal!.Condition.Value);
    }

    [Fact]
    public async Task Watch_OfADeletedDevice_Ends()
    {
        await using var hub = await CommandSteps.StartAsync();
        var watch = await (await hub.ConnectServiceAsync()).CommandReceiverAsync(address: Address);

        await hub.Core.Registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Disabled }, IfMatch.Any, Cancellation);
        await watch.Session.PingAsync();
        Assert.False(watch.IsDetached);
        await hub.Core.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);

        Assert.Equal(ErrorCondition.NotFound, (await watch.DetachedAsync())!.Condition.Value);
    }

    private static string Describe(ReceivedMessage message)
    {
        Assert.True(Property(message, "iothub-deliverycount").TryGetInt64(out var count));
        return $"{Values.TextOf(Property(message, "iothub-command"))} {message.MessageId()} {count}";
    }

    private static AmqpValue Property(ReceivedMessage message, string name) =>
        message.Sections.ApplicationProperties!.Value.TryGet(name, out var value) ? value : default;
}
