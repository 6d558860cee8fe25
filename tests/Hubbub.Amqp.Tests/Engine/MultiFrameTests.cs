using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Messages of several transfers, both ways (AMQP 2.6.14).</summary>
public sealed class MultiFrameTests
{
    [Theory]
    [InlineData(512, 300_000)]
    [InlineData(4_096, 300_000)]
    [InlineData(4_096, 4_100)]
    [InlineData(512, 513)]
    [InlineData(512, 512)]
    public void Sender_ToAPeerOfSmallFrames_SplitsTheMessage(int maxFrameSize, int length)
    {
        var peer = ScriptedPeer.MappedServer(maxFrameSize: (uint)maxFrameSize);
        var link = peer.AttachReceiver();
        var message = Message(length);
        peer.Do(() => Assert.True(link.TrySend([1, 2], 5, message, settled: false, token: "it")));
        var received = new List<byte>();
        var first = true;
        while (true)
        {
            var transfer = peer.Expect<Transfer>(out var payload);
            Assert.True(Frames.Frame(transfer, 0, payload).Length <= maxFrameSize);
            Assert.Equal(0u, transfer.DeliveryId);
            Assert.Equal(first, transfer.DeliveryTag is not null);
            Assert.Equal<uint?>(first ? 5u : null, transfer.MessageFormat);
            Assert.False(transfer.Settled);
            received.AddRange(payload);
            first = false;
            if (!transfer.More)
                break;
        }
        Assert.Equal(message, received);
        peer.ExpectSilence();
        peer.Send(new Disposition { Role = Role.Receiver, First = 0, Settled = true, State = Accepted.Instance });
        Assert.Equal("it", peer.ExpectEvent(AmqpEventKind.DeliveryUpdated).Token);
    }

    [Fact]
    public void Sender_IntoATinyWindow_SendsTheRestAsItOpens()
    {
        var peer = ScriptedPeer.MappedServer(maxFrameSize: 512, window: 2);
        var link = peer.AttachReceiver(credit: 0);
        var other = peer.AttachReceiver("other", 1, credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 5, window: 2);
        peer.SendFlow(handle: 1, deliveryCount: 0, credit: 5, window: 2);
        var message = Message(5_000);
        peer.Do(() => Assert.True(link.TrySend([1], 0, message, settled: false)));
        Assert.False(link.CanSend);
        Assert.False(other.CanSend);
        var received = new List<byte>();
        var frames = 0;
        for (var more = true; more; frames++)
        {
            if (frames % 2 == 0 && frames > 0)
            {
                peer.ExpectSilence();
                peer.SendFlow(window: 2);
            }
            var transfer = peer.Expect<Transfer>(out var payload);
            received.AddRange(payload);
            more = transfer.More;
        }
        Assert.Equal(message, received);
        Assert.True(frames > 10);
        Assert.Equal(0, link.Session.PartialSends);
    }

    [Fact]
    public void Sender_DetachedWithinAMessage_SendsNoMoreOfIt()
    {
        var peer = ScriptedPeer.MappedServer(maxFrameSize: 512, window: 1);
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 5, window: 1);
        peer.Do(() => Assert.True(link.TrySend([1], 0, Message(5_000), settled: false)));
        peer.Expect<Transfer>();
        peer.Send(new Detach { Handle = 0, Closed = true });
        peer.Expect<Detach>();
        peer.SendFlow(window: 100);
        peer.ExpectSilence();
        Assert.Equal((0, 0), (link.Session.PartialSends, link.Session.OutgoingUnsettled.Count));
    }

    [Fact]
    public void BeginMessage_FilledByTheOwner_IsSplitLikeAnyOther()
    {
        var peer = ScriptedPeer.MappedServer(maxFrameSize: 512);
        var link = peer.AttachReceiver();
        var message = Message(1_500);
        peer.Do(() =>
        {
            var start = link.BeginMessage([7], 0, settled: true);
            foreach (var piece in message.Chunk(100))
                link.Session.Connection.Output.Write(piece);
            link.EndMessage(start);
        });
        var received = new List<byte>();
        for (var more = true; more;)
        {
            more = peer.Expect<Transfer>(out var payload).More;
            received.AddRange(payload);
        }
        Assert.Equal(message, received);
    }

    [Fact]
    public void Receiver_OfAMessageInManyFrames_HandsItOverOnceAndWhole()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        var message = Message(10_000);
        var pieces = message.Chunk(499).ToArray();
        peer.SendTransfer(0, pieces[0], more: true);
        foreach (var piece in pieces[1..^1])
            peer.SendTransfer(null, piece, settled: null, more: true);
        peer.SendTransfer(null, pieces[^1], settled: null);
        var delivery = peer.ExpectEvent(AmqpEventKind.Delivery);
        Assert.Equal((0u, false), (delivery.DeliveryId, delivery.Settled));
        Assert.Equal(BitConverter.GetBytes(0), delivery.Tag);
        Assert.Equal(message, delivery.Payload);
        peer.ExpectNoEvent();
        Assert.Equal(0, peer.Engine.PartialBytes);
    }

    [Fact]
    public void Receiver_OfMessagesInterleavedOverLinks_KeepsThemApartAndSettlesEach()
    {
        var peer = ScriptedPeer.MappedServer();
        var first = peer.AttachSender("first", 0);
        var second = peer.AttachSender("second", 1);
        peer.SendTransfer(0, [1], more: true, handle: 0);
        peer.SendTransfer(1, [2], more: true, handle: 1);
        peer.SendTransfer(1, [3], handle: 1);
        peer.SendTransfer(2, [4], handle: 1);
        Assert.Equal([2, 3], peer.ExpectEvent(AmqpEventKind.Delivery).Payload);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        // A range that runs over the delivery which has not come to its end leaves it alone.
        peer.Do(() => first.Settle(0, 2, Accepted.Instance));
        peer.ExpectSilence();
        peer.Do(() => second.Settle(0, 2, Accepted.Instance));
        var settled = peer.Expect<Disposition>();
        Assert.Equal((1u, 2u), (settled.First, settled.Last));
        peer.SendTransfer(0, [5], handle: 0);
        Assert.Equal([1, 5], peer.ExpectEvent(AmqpEventKind.Delivery).Payload);
        peer.Do(() => first.Settle(0, 0, Accepted.Instance));
        Assert.Equal(0u, peer.Expect<Disposition>().First);
        Assert.Equal(0, first.Session.IncomingUnsettled.Count);
    }

    [Fact]
    public void Receiver_OfADeliverySettledOnItsLastFrame_OwesNothing()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        peer.SendTransfer(0, [1], more: true);
        peer.SendTransfer(0, [2], settled: true);
        Assert.True(peer.ExpectEvent(AmqpEventKind.Delivery).Settled);
        Assert.Equal(0, link.Session.IncomingUnsettled.Count);
        peer.Do(() => link.Settle(0, 0, Accepted.Instance));
        peer.ExpectSilence();
        // Its tag is free again.
        peer.SendTransfer(1, [1], tag: BitConverter.GetBytes(0));
        peer.ExpectEvent(AmqpEventKind.Delivery);
    }

    [Fact]
    public void Aborted_AtTheStartOrMidway_LeavesNothingBehind()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 2);
        peer.Send(new Transfer { Handle = 0, DeliveryId = 0, DeliveryTag = new byte[] { 1 }, Aborted = true }, 0, [1]);
        Assert.Equal(2u, peer.Expect<Flow>().LinkCredit);
        peer.SendTransfer(1, Message(1_000), more: true, tag: [1]);
        peer.SendTransfer(1, Message(1_000), more: true, tag: [1]);
        Assert.Equal(2_000, peer.Engine.PartialBytes);
        peer.Send(new Transfer { Handle = 0, DeliveryId = 1, Aborted = true });
        Assert.Equal(2u, peer.Expect<Flow>().LinkCredit);
        peer.ExpectNoEvent();
        Assert.Equal((0L, 0), (peer.Engine.PartialBytes, link.Session.IncomingUnsettled.Count));
        peer.SendTransfer(2, [9], tag: [1]);
        Assert.Equal([9], peer.ExpectEvent(AmqpEventKind.Delivery).Payload);
    }

    [Fact]
    public void Detach_WithinAMessage_GivesItsBytesBack()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        peer.SendTransfer(0, Message(1_000), more: true);
        peer.Send(new Detach { Handle = 0, Closed = true });
        peer.ExpectEvent(AmqpEventKind.LinkDetached);
        Assert.Equal((0L, 0), (peer.Engine.PartialBytes, link.Session.IncomingUnsettled.Count));
    }

    internal static byte[] Message(int length)
    {
        var message = new byte[length];
        new Random(length).NextBytes(message);
        return message;
    }
}
