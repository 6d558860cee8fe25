using System.Text;

namespace Hubbub.Client.Tests;

/// <summary>Commands from the service's client to the device's, against the hub itself.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task Command_GoesToTheDeviceWithAllThatWasGiven_AndItsOutcomeComesBack()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        var expiresAt = DateTimeOffset.FromUnixTimeMilliseconds(
            TimeProvider.System.GetUtcNow().AddMinutes(30).ToUnixTimeMilliseconds());
        var command = new CommandMessage("""{"go":1}""")
        {
            CorrelationId = "c-1",
            ContentType = "application/json",
            ContentEncoding = "utf-8",
            Acknowledgement = CommandAcknowledgement.Full,
            ExpiresAt = expiresAt,
            Properties = { ["unit"] = "°C" },
        };
        await using var commands = device.ReceiveCommandsAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);
        await using var feedback = service.ReceiveFeedbackAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);

        await service.SendAsync("d", command, Some.Patience);
        Assert.True(await commands.MoveNextAsync());
        var received = commands.Current;
        await received.CompleteAsync(Some.Patience);
        Assert.True(await feedback.MoveNextAsync());

        Assert.Equal("""{"go":1}""", Encoding.UTF8.GetString(received.Body.Span));
        Assert.Equal(
            (command.MessageId, "c-1", "application/json", "utf-8"),
            (received.MessageId, received.CorrelationId, received.ContentType, received.ContentEncoding));
        Assert.Equal((expiresAt, 0), (received.ExpiresAt, received.DeliveryCount));
        Assert.Equal("°C", received.Properties["unit"]);
        Assert.NotEqual(Guid.Empty, received.LockToken);
        Assert.Equal("/devices/d/messages/devicebound", received.To, ignoreCase: true);
        var record = feedback.Current;
        Assert.Equal(
            (command.MessageId, CommandOutcome.Success, "Success", "d"),
            (record.MessageId, record.Outcome, record.Status, record.DeviceId));
        var twice = await Assert.ThrowsAsync<HubbubException>(() => received.CompleteAsync(Some.Patience));
        Assert.Equal(HubbubCondition.MessageLockLost, twice.Condition);
    }

    [Fact]
    public async Task Command_AbandonedThenRejected_ComesAgainOnce_AndTheWatchSeesAllOfIt()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await using var watch = await service.WatchCommandsAsync("d", cancellationToken: Some.Patience);
        var command = new CommandMessage("x") { MessageId = "m" };

        await service.SendAsync("d", command, Some.Patience);
        var counts = new List<int>();
        await foreach (var received in device.ReceiveCommandsAsync(Some.Patience))
        {
            counts.Add(received.DeliveryCount);
            if (counts.Count == 1)
            {
                await received.AbandonAsync(Some.Patience);
                continue;
            }
            await received.RejectAsync(Some.Patience);
            break;
        }
        var changes = new List<CommandChange>();
        await foreach (var change in watch.WithCancellation(Some.Patience))
        {
            changes.Add(change);
            if (change.Outcome is not null)
                break;
        }

        Assert.Equal([0, 1], counts);
        Assert.Equal(
            [CommandChangeKind.Enqueued, CommandChangeKind.Delivered, CommandChangeKind.Returned,
                CommandChangeKind.Delivered, CommandChangeKind.Rejected],
            changes.Select(change => change.Kind));
        Assert.Equal(CommandOutcome.Rejected, changes[^1].Outcome);
        Assert.All(changes, change => Assert.Equal("m", change.MessageId));
        Assert.Equal([0, 0, 1, 1, 1], changes.Select(change => change.DeliveryCount));
    }

    [Fact]
    public async Task WaitForFeedback_TakesItsOwnRecordAndGivesTheOthersBack()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        var waiting = service.WaitForFeedbackAsync("third", Some.Patience);
        foreach (var id in new[] { "first", "second", "third" })
        {
            var command = new CommandMessage("x") { MessageId = id, Acknowledgement = CommandAcknowledgement.Full };
            await service.SendAsync("d", command, Some.Patience);
        }
        var left = 3;
        await foreach (var received in device.ReceiveCommandsAsync(Some.Patience))
        {
            await received.CompleteAsync(Some.Patience);
            if (--left == 0)
                break;
        }

        var mine = await waiting;
        var others = new List<string>();
        await foreach (var record in service.ReceiveFeedbackAsync(Some.Patience))
        {
            others.Add(record.MessageId);
            if (others.Count == 2)
                break;
        }

        Assert.Equal(("third", CommandOutcome.Success), (mine.MessageId, mine.Outcome));
        Assert.Equal(["first", "second"], others);
    }

    [Fact]
    public async Task Send_ToNobody_ToAFullQueue_TooLarge_AreEachToldApartAndTheLinkLives()
    {
        await using var hub = await RealHub.StartAsync();
        await hub.CreateDeviceAsync("d");
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));

        var nobody = await RefusalAsync(service.SendAsync("nobody", new CommandMessage("x"), Some.Patience));
        var tooLarge = await RefusalAsync(
            service.SendAsync("d", new CommandMessage(new byte[70_000]), Some.Patience));
        for (var i = 0; i < 50; i++)
            await service.SendAsync("d", new CommandMessage("x"), Some.Patience);
        var full = await RefusalAsync(service.SendAsync("d", new CommandMessage("x"), Some.Patience));

        Assert.Equal((HubbubCondition.NotFound, false), (nobody.Condition, nobody.IsTransient));
        Assert.Equal((HubbubCondition.MessageSizeExceeded, false), (tooLarge.Condition, tooLarge.IsTransient));
        Assert.Equal((HubbubCondition.ResourceLimitExceeded, true), (full.Condition, full.IsTransient));
    }

    [Fact]
    public async Task Commands_NotSettledWhenTheEnumerationEnds_AreGivenOutAgain()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        for (var i = 0; i < 3; i++)
            await service.SendAsync("d", new CommandMessage("x") { MessageId = FakeHub.Text(i) }, Some.Patience);

        await foreach (var received in device.ReceiveCommandsAsync(Some.Patience))
        {
            Assert.Equal("0", received.MessageId);
            break;
        }
        var again = new List<string?>();
        await foreach (var received in device.ReceiveCommandsAsync(Some.Patience))
        {
            again.Add(received.MessageId);
            await received.CompleteAsync(Some.Patience);
            if (again.Count == 3)
                break;
        }

        Assert.Equal(["0", "1", "2"], again);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Settle_AfterTheLockIsOver_IsRefusedWithTheHubsReason_AndTheCommandComesAgain(bool isReject)
    {
        var time = new WatchedTime(TimeProvider.System.GetUtcNow());
        await using var hub = await RealHub.StartAsync(time);
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await using var commands = device.ReceiveCommandsAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);
        await service.SendAsync("d", new CommandMessage("x"), Some.Patience);
        Assert.True(await commands.MoveNextAsync());
        var late = commands.Current;

        time.Advance(TimeSpan.FromSeconds(61));
        Assert.True(await commands.MoveNextAsync());
        var refused = await Assert.ThrowsAsync<HubbubException>(
            () => isReject ? late.RejectAsync(Some.Patience) : late.AbandonAsync(Some.Patience));
        await commands.Current.CompleteAsync(Some.Patience);

        Assert.Equal((HubbubCondition.MessageLockLost, false), (refused.Condition, refused.IsTransient));
        Assert.Equal("/devices/d/messages/devicebound", refused.Address);
        Assert.Contains("lock", refused.Description, StringComparison.OrdinalIgnoreCase);
        Assert.False(string.IsNullOrEmpty(refused.TrackingId));
    }

    [Fact]
    public async Task Settle_AfterTheEnumerationHasEnded_SaysThatTheLockIsOver()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await service.SendAsync("d", new CommandMessage("x"), Some.Patience);
        ReceivedCommand? kept = null;
        await foreach (var received in device.ReceiveCommandsAsync(Some.Patience))
        {
            kept = received;
            break;
        }

        var late = await Assert.ThrowsAsync<HubbubException>(() => kept!.AbandonAsync(Some.Patience));

        Assert.Equal((HubbubCondition.MessageLockLost, false), (late.Condition, late.IsTransient));
        Assert.Contains("its link has ended", late.Message, StringComparison.Ordinal);
    }

    private static Task<HubbubException> RefusalAsync(ValueTask send) =>
        Assert.ThrowsAsync<HubbubException>(send.AsTask);
}
