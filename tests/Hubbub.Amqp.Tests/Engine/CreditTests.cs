using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Credit, drain and echo (AMQP 2.6.7).</summary>
public sealed class CreditTests
{
    [Fact]
    public void Receiver_ToppedUp_KeepsCreditAndOpenWorkAtTheTarget()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 10);
        for (uint id = 0; id < 10; id++)
            peer.SendTransfer(id, [1]);
        Assert.Equal((0u, 10u), (link.Credit, link.Outstanding));
        peer.ExpectSilence();
        peer.Do(() => link.Settle(0, 3, Accepted.Instance));
        peer.Expect<Disposition>();
        // Four of ten: not worth a frame yet.
        peer.ExpectSilence();
        peer.Do(() => link.Settle(4, 4, Accepted.Instance));
        peer.Expect<Disposition>();
        var flow = peer.Expect<Flow>();
        Assert.Equal((10u, 5u), (flow.DeliveryCount, flow.LinkCredit));
        Assert.Equal((5u, 5u), (link.Credit, link.Outstanding));
    }

    [Fact]
    public void Receiver_OfSettledMessages_IsToppedUpByRelease()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 4);
        for (uint id = 0; id < 4; id++)
            peer.SendTransfer(id, [1], settled: true, tag: []);
        Assert.Equal((0u, 4u), (link.Credit, link.Outstanding));
        peer.Do(() => link.Release(4));
        Assert.Equal((4u, 4u), (peer.Expect<Flow>().DeliveryCount, link.Credit));
    }

    [Fact]
    public void Grant_OfLessThanBefore_StillTakesWhatWasUnderWay()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 10);
        peer.SendTransfer(0, [1]);
        peer.Do(() => link.Grant(3));
        Assert.Equal(2u, peer.Expect<Flow>().LinkCredit);
        // The peer has not heard of it and uses all that it was given.
        for (uint id = 1; id < 10; id++)
            peer.SendTransfer(id, [1]);
        for (uint id = 0; id < 10; id++)
            peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendTransfer(10, [1]);
        peer.ExpectDetach(ErrorCondition.TransferLimitExceeded);
    }

    [Fact]
    public void Drain_OfTheOwner_EndsWhenThePeerGivesTheRestBack()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 10);
        peer.Do(link.Drain);
        var asked = peer.Expect<Flow>();
        Assert.True(asked.Drain);
        Assert.Equal(10u, asked.LinkCredit);
        peer.SendTransfer(0, [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        Assert.True(link.IsDraining);
        peer.SendFlow(handle: 0, deliveryCount: 10, credit: 0, drain: true);
        Assert.Same(link, peer.ExpectEvent(AmqpEventKind.LinkFlow).Link);
        Assert.Equal((false, 0u), (link.IsDraining, link.Credit));
        // Nothing is granted by itself after a drain.
        peer.Do(() => link.Settle(0, 0, Accepted.Instance));
        peer.Expect<Disposition>();
        peer.ExpectSilence();
        peer.Do(() => link.Grant(5));
        Assert.Equal((10u, 5u), (peer.Expect<Flow>().DeliveryCount, link.Credit));
    }

    [Fact]
    public void Drain_WhenThePeerUsedAllCredit_EndsWithItsFlowAllTheSame()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 1);
        peer.Do(link.Drain);
        peer.Expect<Flow>();
        peer.SendTransfer(0, [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendFlow(handle: 0, deliveryCount: 1, credit: 0, drain: true);
        peer.ExpectEvent(AmqpEventKind.LinkFlow);
        Assert.False(link.IsDraining);
    }

    [Fact]
    public void Drain_OfThePeer_IsAnsweredWhenTheOwnerHasNothingMore()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver(credit: 0);
        peer.SendCredit(10, drain: true);
        Assert.True(link.IsDraining);
        peer.ExpectSilence();
        peer.Do(() => Assert.True(link.TrySend([1], 0, [1], settled: true)));
        peer.Expect<Transfer>();
        peer.Do(link.Drained);
        var flow = peer.Expect<Flow>();
        Assert.Equal((10u, 0u, true), (flow.DeliveryCount, flow.LinkCredit, flow.Drain));
        Assert.Equal((false, 0u), (link.IsDraining, link.Credit));
        peer.Do(link.Drained);
        peer.ExpectSilence();
        Assert.False(link.CanSend);
    }

    [Fact]
    public void Drain_OfThePeerWithoutCredit_IsAnsweredAtOnce()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 0, drain: true);
        var flow = peer.Expect<Flow>();
        Assert.Equal((0u, 0u, true), (flow.DeliveryCount, flow.LinkCredit, flow.Drain));
    }

    [Fact]
    public void Drained_WhileAMessageWaitsForTheWindow_FollowsItsLastFrame()
    {
        var peer = ScriptedPeer.MappedServer(maxFrameSize: 512, window: 1);
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 5, drain: true, window: 1);
        peer.ExpectEvent(AmqpEventKind.LinkFlow);
        peer.Do(() => Assert.True(link.TrySend([1], 0, new byte[600], settled: true)));
        Assert.True(peer.Expect<Transfer>().More);
        peer.Do(link.Drained);
        peer.ExpectSilence();
        peer.SendFlow(window: 10);
        Assert.False(peer.Expect<Transfer>().More);
        Assert.Equal((5u, 0u), (peer.Expect<Flow>().DeliveryCount, link.Credit));
        Assert.False(link.IsDraining);
    }

    [Fact]
    public void Credit_OfAllOnes_IsTakenAsItIs()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver(credit: 0);
        peer.SendCredit(uint.MaxValue);
        Assert.Equal(uint.MaxValue, link.Credit);
        peer.Do(() => link.TrySend([1], 0, [1], settled: true));
        peer.Expect<Transfer>();
        // A stale flow counts what is under way; a flow from the future gives nothing, and nothing throws.
        peer.SendCredit(1);
        Assert.Equal(0u, link.Credit);
        peer.SendCredit(3, deliveryCount: 0x8000_0002);
        Assert.Equal(0u, link.Credit);
        peer.SendCredit(7, deliveryCount: 1);
        Assert.Equal(7u, link.Credit);
    }

    [Fact]
    public void DeliveryCount_NearTheEndOfItsNumbers_WrapsAround()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.OnAttach = link => ScriptedPeer.AcceptAndGrant(link, 4);
        peer.Send(ScriptedPeer.SenderAttach("up") with { InitialDeliveryCount = 0xFFFF_FFFE });
        peer.Expect<Attach>();
        Assert.Equal(0xFFFF_FFFE, peer.Expect<Flow>().DeliveryCount);
        var link = (ReceiverLink)peer.ExpectEvent(AmqpEventKind.LinkAttached).Link!;
        for (uint i = 0; i < 100; i++)
        {
            peer.SendTransfer(i, [1]);
            peer.ExpectEvent(AmqpEventKind.Delivery);
            peer.Do(() => link.Settle(i, i, Accepted.Instance));
            peer.Expect<Disposition>();
            if (i % 2 == 1)
                Assert.Equal((unchecked(0xFFFF_FFFF + i), 4u), (peer.Expect<Flow>().DeliveryCount, link.Credit));
        }
        peer.ExpectSilence();
    }

    [Fact]
    public void Flow_ThatIsRepeated_ChangesNothing()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver(credit: 300);
        for (var i = 0; i < 10; i++)
            peer.SendCredit(300);
        Assert.Equal(300u, link.Credit);
        peer.ExpectSilence();
    }

    [Fact]
    public void Echo_OfTheSessionAndOfALink_IsAnsweredWithTheirState()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender("up", 0, credit: 10);
        peer.AttachReceiver("down", 1, credit: 0);
        peer.SendFlow(echo: true);
        Assert.Null(peer.Expect<Flow>().Handle);
        peer.SendFlow(handle: 0, echo: true);
        var up = peer.Expect<Flow>();
        Assert.Equal((0u, 10u, 0u), (up.Handle, up.LinkCredit, up.DeliveryCount));
        peer.SendFlow(handle: 1, deliveryCount: 0, credit: 5, echo: true);
        var down = peer.Expect<Flow>();
        Assert.False(down.Echo);
        Assert.Equal(1u, down.Handle);
        // The echo speaks of the credit that came with it.
        Assert.Equal(5u, down.LinkCredit);
    }
}
