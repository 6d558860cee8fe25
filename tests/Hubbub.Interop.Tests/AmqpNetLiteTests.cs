using Amqp;
using Amqp.Framing;
using Amqp.Types;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>NuGet's AMQPNetLite, the AMQP library that .NET developers reach for, in this process.</summary>
public sealed class AmqpNetLiteTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private const int TooLarge = 300_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(512, false)]
    [InlineData(4096, true)]
    [InlineData(0, true)]
    public async Task Peer_SendsAllSizes_ReadsThemBack(int maxFrame, bool tls)
    {
        int[] sizes = [0, 1, 600, 70_000, 255 * 1024];
        var (device, last) = await NewDeviceAsync("sizes");
        await using var sender = await NetLitePeer.OpenDeviceAsync(own.Hub, device, tls, maxFrame);
        foreach (var size in sizes) await sender.SendAsync($"{device.Id}-{size}", Body(size));

        var refused = await Assert.ThrowsAsync<AmqpException>(() => sender.SendAsync("too-large", Body(TooLarge)));
        await sender.SendAsync($"{device.Id}-after", Body(7));

        Assert.Equal("amqp:link:message-size-exceeded", refused.Error.Condition);
        await using var service = await NetLitePeer.OpenServiceAsync(own.Hub, tls, maxFrame);
        var messages = await ReceiveAsync(service.OpenReader(own.Hub, device.Partition, last), sizes.Length + 1);
        Assert.Equal([.. sizes.Select(size => $"{device.Id}-{size}"), $"{device.Id}-after"], messages.Select(Id));
        Assert.Equal([.. sizes.Select(Body), Body(7)], messages.Select(message => message.GetBody<byte[]>()));
        Assert.Equal(messages.Index().Select(each => last + 1 + each.Index), messages.Select(Sequence));
    }

    [Fact]
    public async Task Message_BeyondTheLargestOfAll_DetachesItsLinkOnly()
    {
        var (device, _) = await NewDeviceAsync("enormous");
        await using var peer = await NetLitePeer.OpenDeviceAsync(own.Hub, device);
        var link = new SenderLink(peer.Session, "enormous", device.TelemetryAddress);
        var detached = new TaskCompletionSource<Error>(TaskCreationOptions.RunContinuationsAsynchronously);
        link.AddClosedCallback((_, error) => detached.TrySetResult(error));

        var message = NetLitePeer.NewMessage("enormous", Body(1_200_000));
        await Assert.ThrowsAnyAsync<AmqpException>(() => link.SendAsync(message));

        var error = await detached.Task.WaitAsync(Patience, Cancellation);
        Assert.Equal("amqp:link:message-size-exceeded", error.Condition);
        await peer.SendAsync("small", Body(10));
    }

    [Fact]
    public async Task Reader_WithLittleCredit_GetsNoMoreThanItAskedFor()
    {
        var (device, last) = await NewDeviceAsync("credit");
        await using var sender = await NetLitePeer.OpenDeviceAsync(own.Hub, device);
        for (var index = 0; index < 10; index++) await sender.SendAsync($"{index}", Body(index));
        await using var service = await NetLitePeer.OpenServiceAsync(own.Hub);
        var reader = service.OpenReader(own.Hub, device.Partition, last);
        reader.SetCredit(3, CreditMode.Manual);

        var first = await ReceiveAsync(reader, 3, setCredit: false);
        var none = await reader.ReceiveAsync(TimeSpan.FromMilliseconds(300));
        reader.SetCredit(10, CreditMode.Manual);
        var rest = await ReceiveAsync(reader, 7, setCredit: false);

        Assert.Null(none);
        Assert.Equal(Enumerable.Range(0, 10).Select(index => $"{index}"), first.Concat(rest).Select(Id));
    }

    [Fact]
    public async Task Reader_Drains_CreditIsHandedBack()
    {
        var (device, last) = await NewDeviceAsync("drain");
        await using var service = await NetLitePeer.OpenServiceAsync(own.Hub);
        var reader = service.OpenReader(own.Hub, device.Partition, last);

        reader.SetCredit(5, CreditMode.Drain);
        var none = await reader.ReceiveAsync(TimeSpan.FromMilliseconds(300));
        await using var sender = await NetLitePeer.OpenDeviceAsync(own.Hub, device);
        await sender.SendAsync("after the drain", Body(1));
        var still = await reader.ReceiveAsync(TimeSpan.FromMilliseconds(300));
        reader.SetCredit(1, CreditMode.Manual);
        var message = await reader.ReceiveAsync(Patience);

        Assert.Null(none);
        Assert.Null(still);
        Assert.Equal("after the drain", message?.Properties.MessageId);
    }

    [Fact]
    public async Task Reader_DetachesAndReattaches_GoesOnWhereItWas()
    {
        var (device, last) = await NewDeviceAsync("reattach");
        await using var sender = await NetLitePeer.OpenDeviceAsync(own.Hub, device);
        for (var index = 0; index < 6; index++) await sender.SendAsync($"{index}", Body(index));
        await using var service = await NetLitePeer.OpenServiceAsync(own.Hub);
        var seen = new List<string>();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var reader = service.OpenReader(own.Hub, device.Partition, last, "the-reader");
            var messages = await ReceiveAsync(reader, 2);
            seen.AddRange(messages.Select(Id));
            last = Sequence(messages[^1]);
            await reader.CloseAsync();
        }

        Assert.Equal(["0", "1", "2", "3", "4", "5"], seen);
    }

    [Fact]
    public async Task Reader_Waiting_IsWokenByACommit()
    {
        var (device, last) = await NewDeviceAsync("woken");
        await using var service = await NetLitePeer.OpenServiceAsync(own.Hub, tls: true);
        var reader = service.OpenReader(own.Hub, device.Partition, last);
        reader.SetCredit(10);
        await using var sender = await NetLitePeer.OpenDeviceAsync(own.Hub, device, tls: true);

        for (var index = 0; index < 20; index++)
        {
            await sender.SendAsync($"{index}", Body(index));
            using var message = await reader.ReceiveAsync(Patience);
            Assert.Equal($"{index}", message?.Properties.MessageId);
            reader.Accept(message);
        }
    }

    private static byte[] Body(int size) => [.. Enumerable.Range(0, size).Select(index => (byte)(index * 31))];

    private static string Id(Message message) => message.Properties.MessageId;

    private static long Sequence(Message message) =>
        (long)message.MessageAnnotations[new Symbol("x-opt-sequence-number")];

    private static async Task<List<Message>> ReceiveAsync(ReceiverLink reader, int count, bool setCredit = true)
    {
        if (setCredit) reader.SetCredit(count, CreditMode.Manual);
        var messages = new List<Message>();
        while (messages.Count < count)
        {
            var message = await reader.ReceiveAsync(Patience);
            messages.Add(message ?? throw new TimeoutException(
                $"{messages.Count} of {count} events came: {string.Join(", ", messages.Select(Id))}"));
        }
        return messages;
    }

    private async Task<(TestDevice Device, long LastSequence)> NewDeviceAsync(string name)
    {
        var device = await own.Hub.CreateDeviceAsync($"netlite-{name}-{Guid.NewGuid():N}", Cancellation);
        await using var service = await NetLitePeer.OpenServiceAsync(own.Hub);
        return (device, await service.LastSequenceAsync(own.Hub, device.Partition));
    }
}
