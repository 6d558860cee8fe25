using System.Text;

namespace Hubbub.Client.Tests;

/// <summary>The client against the hub itself, over real TLS and plain sockets.</summary>
public sealed class HubStoryTests
{
    [Fact]
    public async Task DeviceSends_ServiceReads_OverTlsByTheRedirect()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("thermo-1"));
        await using var reader = EventReader.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await using var live = await reader.SubscribeAsync(EventPosition.End, cancellationToken: Some.Patience);

        await device.SendAsync(
            new TelemetryMessage("one") { Properties = { ["n"] = "1" }, MessageId = "m-1" }, Some.Patience);
        await device.SendBatchAsync([new TelemetryMessage("two"), new TelemetryMessage("three")], Some.Patience);

        var events = await TakeAsync(live, 3);
        Assert.Equal(["one", "two", "three"], events.Select(TextOf));
        Assert.All(events, received => Assert.Equal("thermo-1", received.DeviceId));
        Assert.Equal("1", events[0].Properties["n"]);
        Assert.Equal("m-1", events[0].MessageId);
        Assert.Equal([0L, 1, 2], events.Select(received => received.SequenceNumber));

        // The same events again, from the middle, on a link of their own.
        var partition = events[0].PartitionId;
        await using var later = await reader.SubscribeAsync(
            EventPosition.FromSequenceNumber(1), [partition], Some.Patience);
        Assert.Equal(["two", "three"], (await TakeAsync(later, 2)).Select(TextOf));
        await using var resumed = await reader.SubscribeAsync(
            EventPosition.FromOffset(events[1].Offset), [partition], Some.Patience);
        Assert.Equal(["three"], (await TakeAsync(resumed, 1)).Select(TextOf));
        var properties = await reader.GetPartitionPropertiesAsync(partition, Some.Patience);
        Assert.Equal((0L, 2L, events[2].Offset), (
            properties.BeginningSequenceNumber, properties.LastEnqueuedSequenceNumber, properties.LastEnqueuedOffset));
    }

    [Fact]
    public async Task DeviceSendsByPlain_ServiceReadsPlainByTheEmulatorString()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(
            await hub.CreateDeviceAsync("d"),
            new DeviceClientOptions { Authentication = ClientAuthentication.SaslPlain });
        await using var reader = EventReader.CreateFromConnectionString(hub.EmulatorString());

        await device.SendAsync(new TelemetryMessage("hello"), Some.Patience);

        await foreach (var received in reader.ReadAsync(EventPosition.Start, Some.Patience))
        {
            Assert.Equal("hello", TextOf(received));
            break;
        }
    }

    [Fact]
    public async Task Pipelined_TenThousandMessages_AllArriveInOrder()
    {
        const int Count = 10_000;
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var reader = EventReader.CreateFromConnectionString(hub.ConnectionStringOf("service"));

        var sends = new List<Task>(Count);
        for (var i = 0; i < Count; i++)
            sends.Add(device.SendAsync(new TelemetryMessage(FakeHub.Text(i)), Some.Patience).AsTask());
        await Task.WhenAll(sends);

        await using var all = await reader.SubscribeAsync(EventPosition.Start, cancellationToken: Some.Patience);
        Assert.Equal(Enumerable.Range(0, Count).Select(FakeHub.Text), (await TakeAsync(all, Count)).Select(TextOf));
    }

    [Fact]
    public async Task WrongKey_UnknownPartition_UntrustedCa_AreEachToldApart()
    {
        await using var hub = await RealHub.StartAsync();
        var good = await hub.CreateDeviceAsync("d");

        await using var stranger = DeviceClient.CreateFromConnectionString(
            System.Text.RegularExpressions.Regex.Replace(good, "SharedAccessKey=[^;]*", $"SharedAccessKey={Some.Key}"));
        var wrongKey = await Assert.ThrowsAsync<HubbubException>(() => stranger.OpenAsync(Some.Patience));
        Assert.Equal("amqp:unauthorized-access", wrongKey.Condition);

        await using var trusting = DeviceClient.CreateFromConnectionString(
            good[..good.IndexOf(";CaFile", StringComparison.Ordinal)]);
        var untrusted = await Assert.ThrowsAsync<HubbubException>(() => trusting.OpenAsync(Some.Patience));
        Assert.Equal(HubbubCondition.Untrusted, untrusted.Condition);

        await using var reader = EventReader.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        var unknown = await Assert.ThrowsAsync<HubbubException>(
            () => reader.SubscribeAsync(EventPosition.Start, ["77"], Some.Patience));
        Assert.Contains("77", unknown.Message, StringComparison.Ordinal);

        await using var powerless = EventReader.CreateFromConnectionString(hub.ConnectionStringOf("device"));
        var forbidden = await Assert.ThrowsAsync<HubbubException>(() => powerless.GetPropertiesAsync(Some.Patience));
        Assert.Equal("amqp:unauthorized-access", forbidden.Condition);
    }

    private static async Task<List<ReceivedEvent>> TakeAsync(EventSubscription subscription, int count)
    {
        var result = new List<ReceivedEvent>(count);
        await foreach (var received in subscription.WithCancellation(Some.Patience))
        {
            result.Add(received);
            if (result.Count == count)
                break;
        }
        return result;
    }

    private static string TextOf(ReceivedEvent received) => Encoding.UTF8.GetString(received.Body.Span);
}
