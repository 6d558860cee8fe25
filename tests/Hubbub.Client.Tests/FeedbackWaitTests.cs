namespace Hubbub.Client.Tests;

/// <summary>Several that wait for feedback, and messages of feedback that hold records for several.</summary>
public sealed class FeedbackWaitTests
{
    [Fact]
    public async Task Waits_OfOneMessagesRecords_EachGetsItsOwn_AndTheMessageIsDone()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        // All outcomes are there before anybody receives, so that they come as one message.
        await CommandAndCompleteAsync(service, device, "a", "b", "c");

        var records = await Task.WhenAll(
            service.WaitForFeedbackAsync("c", Some.Patience),
            service.WaitForFeedbackAsync("a", Some.Patience),
            service.WaitForFeedbackAsync("b", Some.Patience),
            service.WaitForFeedbackAsync("a", Some.Patience));

        Assert.Equal(["c", "a", "b", "a"], records.Select(record => record.MessageId));
        await CommandAndCompleteAsync(service, device, "next");
        Assert.Equal(["next"], await RecordsAsync(service, 1));
    }

    [Fact]
    public async Task Waits_RecordOfSomebodyElse_GoesBackWithItsMessage_UntilItIsTakenToo()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await using var other = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await CommandAndCompleteAsync(service, device, "a", "others", "b");

        var records = await Task.WhenAll(
            service.WaitForFeedbackAsync("a", Some.Patience), service.WaitForFeedbackAsync("b", Some.Patience));

        Assert.Equal(["a", "b"], records.Select(record => record.MessageId));
        // The other service finds its record, and gives the message back for it knows nothing of a and b...
        Assert.Equal("others", (await other.WaitForFeedbackAsync("others", Some.Patience)).MessageId);
        // ... and the first one takes what is left of it.
        Assert.Equal("others", (await service.WaitForFeedbackAsync("others", Some.Patience)).MessageId);
        await CommandAndCompleteAsync(service, device, "next");
        Assert.Equal(["next"], await RecordsAsync(service, 1));
    }

    [Fact]
    public async Task Wait_Cancelled_LeavesItsRecordToALaterOne_AndTheOthersGetTheirs()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        using var cancel = new CancellationTokenSource();
        var first = service.WaitForFeedbackAsync("a", Some.Patience);
        var given = service.WaitForFeedbackAsync("b", cancel.Token);
        var last = service.WaitForFeedbackAsync("c", Some.Patience);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        await CommandAndCompleteAsync(service, device, "unknown", "b", "a");
        Assert.Equal("a", (await first).MessageId);
        // What was held for nobody is here when somebody begins to wait for it.
        Assert.Equal("b", (await service.WaitForFeedbackAsync("b", Some.Patience)).MessageId);
        await CommandAndCompleteAsync(service, device, "c");
        Assert.Equal("c", (await last).MessageId);

        Assert.Contains("unknown", await RecordsAsync(service, 1));
    }

    [Fact]
    public async Task Waits_AllCancelled_GiveAllBack()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        using var cancel = new CancellationTokenSource();
        var waits = Enumerable.Range(0, 5).Select(_ => service.WaitForFeedbackAsync("nobody", cancel.Token)).ToList();
        await CommandAndCompleteAsync(service, device, "a");
        // It has come to the waits, for another wait finds it there.
        await service.WaitForFeedbackAsync("a", Some.Patience);
        await CommandAndCompleteAsync(service, device, "b");

        await cancel.CancelAsync();

        foreach (var wait in waits)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        Assert.Equal(["b"], await RecordsAsync(service, 1));
    }

    [Fact]
    public async Task Waits_ClientClosed_EndWithThat()
    {
        await using var hub = await RealHub.StartAsync();
        var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await service.OpenAsync(Some.Patience);
        var waits = Enumerable.Range(0, 3)
            .Select(i => service.WaitForFeedbackAsync(FakeHub.Text(i), Some.Patience))
            .ToList();

        await service.DisposeAsync();

        foreach (var wait in waits)
        {
            var closed = await Assert.ThrowsAsync<HubbubException>(() => wait);
            Assert.Equal(HubbubCondition.Closed, closed.Condition);
        }
    }

    private static async Task CommandAndCompleteAsync(ServiceClient service, DeviceClient device, params string[] ids)
    {
        foreach (var id in ids)
        {
            var command = new CommandMessage("x") { MessageId = id, Acknowledgement = CommandAcknowledgement.Full };
            await service.SendAsync("d", command, Some.Patience);
        }
        var left = ids.Length;
        await foreach (var received in device.ReceiveCommandsAsync(Some.Patience))
        {
            await received.CompleteAsync(Some.Patience);
            if (--left == 0)
                break;
        }
    }

    private static async Task<List<string>> RecordsAsync(ServiceClient service, int count)
    {
        var records = new List<string>();
        await foreach (var record in service.ReceiveFeedbackAsync(Some.Patience))
        {
            records.Add(record.MessageId);
            if (records.Count == count)
                break;
        }
        return records;
    }
}
