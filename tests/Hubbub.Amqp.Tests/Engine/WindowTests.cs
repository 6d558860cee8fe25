using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Session windows, both ways (AMQP 2.5.6).</summary>
public sealed class WindowTests
{
    [Fact]
    public void Sender_AtTheEndOfThePeersWindow_WaitsForItsFlow()
    {
        var peer = ScriptedPeer.MappedServer(window: 3);
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 100, window: 3);
        peer.ExpectEvent(AmqpEventKind.LinkFlow);
        peer.Do(() =>
        {
            for (var i = 0; i < 3; i++)
                Assert.True(link.TrySend([(byte)i], 0, [1], settled: true));
            Assert.False(link.CanSend);
            Assert.False(link.TrySend([9], 0, [1], settled: true));
        });
        for (var i = 0; i < 3; i++)
            peer.Expect<Transfer>();
        peer.SendFlow(window: 2, nextIncomingId: 3);
        Assert.Same(link.Session, peer.ExpectEvent(AmqpEventKind.WindowOpened).Session);
        peer.SendFlow(window: 2, nextIncomingId: 3);
        peer.ExpectNoEvent();
        // One of the three is still under way to the peer, so two more frames leave room for one.
        Assert.Equal(1u, link.Session.OutgoingWindowRemaining);
        Assert.True(link.CanSend);
    }

    [Fact]
    public void Sender_WithAllItMayHaveUnsettled_WaitsUntilThereIsRoomAgain()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { UnsettledMax = 3 });
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 100, window: 100);
        peer.ExpectEvent(AmqpEventKind.LinkFlow);
        peer.Do(() =>
        {
            for (var i = 0; i < 3; i++)
                Assert.True(link.TrySend([(byte)i], 0, [1], settled: false));
            Assert.False(link.CanSend);
        });
        for (var i = 0; i < 3; i++)
            peer.Expect<Transfer>();

        peer.Send(new Disposition { Role = Role.Receiver, First = 1, Settled = true, State = Accepted.Instance });

        peer.ExpectEvent(AmqpEventKind.DeliveryUpdated);
        Assert.Same(link.Session, peer.ExpectEvent(AmqpEventKind.WindowOpened).Session);
        Assert.True(link.CanSend);
        peer.Do(() => link.Settle(0, new Rejected()));
        Assert.Equal((0u, true), (peer.Expect<Disposition>() is var told ? told.First : 9, told.Settled));
        peer.ExpectNoEvent();
    }

    [Fact]
    public void Sender_WithAWindowOfAllOnes_CountsWithoutOverflow()
    {
        var peer = ScriptedPeer.MappedServer(window: uint.MaxValue);
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: uint.MaxValue, window: uint.MaxValue);
        for (uint i = 0; i < 10; i++)
            peer.Do(() => Assert.True(link.TrySend([1], 0, [1], settled: true)));
        Assert.Equal(uint.MaxValue - 10, link.Session.OutgoingWindowRemaining);
        peer.SendFlow(window: uint.MaxValue, nextIncomingId: 5);
        Assert.Equal(uint.MaxValue - 6, link.Session.OutgoingWindowRemaining);
    }

    [Fact]
    public void Flow_BeforeThePeerHasOurBegin_CountsFromOurFirstTransfer()
    {
        var peer = ScriptedPeer.MappedServer(window: 10, firstId: 500);
        peer.Send(new Flow { IncomingWindow = 20, NextOutgoingId = 1, OutgoingWindow = 5 });
        Assert.Equal(20u, peer.Engine.Sessions.Single().OutgoingWindowRemaining);
    }

    [Fact]
    public void Receiver_HalfwayThroughItsWindow_OpensItAgain()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { IncomingWindow = 10 });
        peer.AttachSender(credit: 1_000);
        for (uint id = 0; id < 100; id++)
        {
            peer.SendTransfer(id, [1]);
            if (id % 5 != 4)
                continue;
            var flow = peer.Expect<Flow>();
            Assert.Equal((id + 2, 10u, null), (flow.NextIncomingId, flow.IncomingWindow, flow.Handle));
        }
        peer.ExpectSilence();
    }

    [Fact]
    public void TransferIds_NearTheEndOfTheirNumbers_WrapAroundBothWays()
    {
        var peer = ScriptedPeer.MappedServer(
            new AmqpLimits { IncomingWindow = 4 }, window: 2, nextOutgoingId: 0xFFFF_FFFE, firstId: 0xFFFF_FFFD);
        peer.AttachSender("up", 0, credit: 1_000);
        var down = peer.AttachReceiver("down", 1, credit: 0);
        peer.NextOutgoingId = 0xFFFF_FFFE;
        peer.SendFlow(handle: 1, deliveryCount: 0, credit: 1_000, window: 2, nextIncomingId: 0xFFFF_FFFD);
        peer.ExpectEvent(AmqpEventKind.LinkFlow);
        for (uint i = 0; i < 10; i++)
        {
            peer.SendTransfer(i, [1]);
            peer.NextOutgoingId++;
            peer.ExpectEvent(AmqpEventKind.Delivery);
            if (i % 2 == 1)
                Assert.Equal(unchecked(0xFFFF_FFFF + i), peer.Expect<Flow>().NextIncomingId);
            peer.Do(() => Assert.True(down.TrySend([(byte)i], 0, [1], settled: true)));
            peer.Expect<Transfer>();
            if (i % 2 == 0)
                continue;
            Assert.False(down.CanSend);
            peer.SendFlow(window: 2, nextIncomingId: unchecked(0xFFFF_FFFE + i));
            peer.ExpectEvent(AmqpEventKind.WindowOpened);
            Assert.Equal(2u, down.Session.OutgoingWindowRemaining);
        }
    }

    [Fact]
    public void DeliveryIds_NearTheEndOfTheirNumbers_WrapAroundBothWays()
    {
        var peer = ScriptedPeer.MappedServer(firstDeliveryId: 0xFFFF_FFFE);
        var up = peer.AttachSender("up", 0);
        var down = peer.AttachReceiver("down", 1);
        for (uint i = 0; i < 4; i++)
        {
            peer.SendTransfer(unchecked(0xFFFF_FFFE + i), [1]);
            peer.ExpectEvent(AmqpEventKind.Delivery);
            peer.Do(() => Assert.True(down.TrySend([(byte)i], 0, [1], settled: false, token: i)));
            Assert.Equal(unchecked(0xFFFF_FFFE + i), peer.Expect<Transfer>().DeliveryId);
        }
        peer.Do(() => up.Settle(0xFFFF_FFFE, 1, Accepted.Instance));
        var disposition = peer.Expect<Disposition>();
        Assert.Equal((0xFFFF_FFFE, 1u), (disposition.First, disposition.Last));
        peer.Send(new Disposition { Role = Role.Receiver, First = 0xFFFF_FFFE, Last = 1, Settled = true, State = Accepted.Instance });
        for (uint i = 0; i < 4; i++)
            Assert.Equal(i, peer.ExpectEvent(AmqpEventKind.DeliveryUpdated).Token);
        Assert.Equal((0, 0), (up.Session.IncomingUnsettled.Count, up.Session.OutgoingUnsettled.Count));
    }

    /// <summary>Clients exist whose next-outgoing-id counts a delivery of several frames once.</summary>
    [Fact]
    public void NextOutgoingId_BehindTheFramesThatCame_IsTakenAsItIs()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { IncomingWindow = 100 });
        peer.AttachSender(credit: 10);
        for (var frame = 0; frame < 6; frame++)
            peer.SendTransfer(0, [1], more: frame < 5);
        peer.SendFlow(nextOutgoingId: 2, echo: true);
        var flow = peer.Expect<Flow>();
        Assert.Equal((2u, 100u), (flow.NextIncomingId, flow.IncomingWindow));
        peer.ExpectSilence();
    }

    [Fact]
    public void Window_IsSharedByTheLinksOfASession()
    {
        var peer = ScriptedPeer.MappedServer(window: 1);
        var first = peer.AttachReceiver("first", 0, credit: 0);
        var second = peer.AttachReceiver("second", 1, credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 10, window: 1);
        peer.SendFlow(handle: 1, deliveryCount: 0, credit: 10, window: 1);
        Assert.True(first.CanSend && second.CanSend);
        peer.Do(() => first.TrySend([1], 0, [1], settled: true));
        Assert.False(first.CanSend || second.CanSend);
    }
}
