using Hubbub.Core.Commands;

namespace Hubbub.Core.Tests.Commands;

/// <summary>What becomes of a command until a device has it: taken or refused, stored, in order.</summary>
public sealed class CommandSendingTests
{
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
}
