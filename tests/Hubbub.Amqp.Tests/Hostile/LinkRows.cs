using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;
using Hubbub.Amqp.Tests.Engine;

namespace Hubbub.Amqp.Tests.Hostile;

/// <summary>
/// Hostile inputs 25 to 37: handles, attaches, windows and credit. Rows 30 and 31 (whose device, which claim) are the
/// server's; what the engine does is to hand over any address and to refuse in the right form.
/// </summary>
public sealed class LinkRows
{
    [Fact]
    public void Row25_HandleInUse_EndsTheSession()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender("first", 5);
        peer.Send(ScriptedPeer.ReceiverAttach("second", 5));
        peer.ExpectEnd(ErrorCondition.HandleInUse);
        Assert.Equal(0, peer.Engine.LinkCount);
    }

    /// <summary>A refused link holds its handle until the peer has answered the detach.</summary>
    [Fact]
    public void Row25_HandleOfALinkBeingDetached_EndsTheSession()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender("first", 5);
        peer.Do(() => link.Detach());
        peer.Expect<Detach>();
        peer.Send(ScriptedPeer.SenderAttach("second", 5));
        peer.ExpectEnd(ErrorCondition.HandleInUse);
    }

    public static TheoryData<object> Row26Frames => new((object[])
    [
        new Transfer { Handle = 3, DeliveryId = 0, DeliveryTag = new byte[] { 1 } },
        new Transfer { Handle = uint.MaxValue, DeliveryId = 0, DeliveryTag = new byte[] { 1 } },
        new Transfer { Handle = 1, DeliveryId = 0, DeliveryTag = new byte[] { 1 } },
        new Flow { NextIncomingId = 1, IncomingWindow = 1, NextOutgoingId = 1, OutgoingWindow = 1, Handle = 3 },
        new Flow { NextIncomingId = 1, IncomingWindow = 1, NextOutgoingId = 1, OutgoingWindow = 1, Handle = 4_096 },
    ]);

    [Theory]
    [MemberData(nameof(Row26Frames))]
    public void Row26_FrameOnAHandleThatIsNotAttached_EndsTheSession(object performative)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender("up", 0);
        // Handle 1 is attached, but nothing may be sent to its sender.
        peer.AttachReceiver("down", 1, credit: 0);
        peer.Send(performative);
        peer.ExpectEnd(ErrorCondition.UnattachedHandle);
    }

    /// <summary>
    /// What was under way when our detach went out is legal, and dropped; a peer that goes on for two windows has seen
    /// it and does not care.
    /// </summary>
    [Fact]
    public void Row27_TransfersOnALinkDetachedLongAgo_EndTheSession()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { IncomingWindow = 10 });
        var link = peer.AttachSender(credit: 100);
        peer.Do(() => link.Detach(new AmqpError { Condition = ErrorCondition.UnauthorizedAccess }));
        peer.Expect<Detach>();
        for (uint id = 0; id < 20; id++)
        {
            peer.SendTransfer(id, [1]);
            if (id % 5 == 4)
                Assert.Null(peer.Expect<Flow>().Handle);
        }
        peer.ExpectSilence();
        peer.ExpectNoEvent();
        peer.SendTransfer(20, [1]);
        peer.ExpectEnd(ErrorCondition.ErrantLink);
    }

    /// <summary>
    /// The list would steal across sessions and connections. The C# SDK uses the same constant names on every session
    /// of a pooled connection, so a name counts within its session only.
    /// </summary>
    [Fact]
    public void Row28_SameNameAndRole_StealsWithinTheSessionAndNowhereElse()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Begin(0);
        peer.Begin(1);
        var first = peer.AttachSender("up", 0, channel: 0);
        var elsewhere = peer.AttachSender("up", 0, channel: 1);
        peer.Send(ScriptedPeer.SenderAttach("up", 1));
        Assert.Equal(ErrorCondition.LinkStolen, peer.Expect<Detach>().Error!.Condition.Value);
        Assert.True(first.IsDetached);
        Assert.True(elsewhere.IsAttached);
    }

    public static TheoryData<Attach> Row29Attaches => new((Attach[])
    [
        ScriptedPeer.SenderAttach("up") with { Target = null },
        ScriptedPeer.SenderAttach("up") with { Source = null, Target = null },
        ScriptedPeer.ReceiverAttach("down") with { Source = null },
        ScriptedPeer.SenderAttach("up") with { Target = new Coordinator() },
        ScriptedPeer.ReceiverAttach("down") with { Source = new Source { Dynamic = true } },
        ScriptedPeer.ReceiverAttach("down") with { RcvSettleMode = ReceiverSettleMode.Second },
        ScriptedPeer.SenderAttach("up") with { Target = new Target { Address = AmqpValue.From(5u) } },
        ScriptedPeer.SenderAttach("up") with { Target = new Target { Address = AmqpValue.From(new string('a', 60_000)) } },
        ScriptedPeer.SenderAttach("up") with { Target = new Target { Address = AmqpValue.From("/devices/../other%2Fx") } },
    ]);

    [Theory]
    [MemberData(nameof(Row29Attaches))]
    public void Row29And30And31_AttachThatTheOwnerRefuses_GetsAnAttachWithoutTerminiAndADetach(Attach attach)
    {
        var peer = ScriptedPeer.MappedServer();
        var refusal = new AmqpError { Condition = ErrorCondition.NotImplemented };
        peer.OnAttach = link => link.Refuse(refusal);
        peer.Send(attach);
        var answer = peer.Expect<Attach>();
        Assert.Null(answer.Source);
        Assert.Null(answer.Target);
        Assert.Equal(ErrorCondition.NotImplemented, peer.Expect<Detach>().Error!.Condition.Value);
        Assert.Equal(attach.Name, peer.ExpectEvent(AmqpEventKind.LinkAttached).Link!.Name);
        Assert.Equal(SessionState.Mapped, peer.Engine.Sessions.Single().State);
    }

    [Fact]
    public void Row29_TerminusOfAnUnknownType_ReachesTheOwnerAsSuch()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.OnAttach = null;
        peer.Send(Frames.Frame(Frames.List(Attach.Descriptor, "up", 0u, false, null, null, Frames.List(0x99, 1u), Frames.List(0x98))));
        peer.ExpectEnd(ErrorCondition.InvalidField);
        peer = ScriptedPeer.MappedServer();
        peer.OnAttach = null;
        peer.Send(Frames.Frame(Frames.List(Attach.Descriptor, "down", 0u, true, null, null, Frames.List(0x99, 1u), Frames.List(0x98))));
        Assert.IsType<UnknownTerminus>(peer.ExpectEvent(AmqpEventKind.LinkAttached).Link!.RemoteAttach!.Source);
    }

    [Theory]
    [InlineData(513)]
    [InlineData(60_000)]
    public void Row30_LinkNameAboveTheLimit_EndsTheSession(int length)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(ScriptedPeer.SenderAttach(new string('n', length)));
        peer.ExpectEnd(ErrorCondition.InvalidField);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1_000)]
    public void Row32_UnsettledMap_IsRefusedWithoutAskingTheOwner(int entries)
    {
        var peer = ScriptedPeer.MappedServer();
        var map = new AmqpMapBuilder(MapKeyKind.String);
        for (var i = 0; i < entries; i++)
            map.Add($"tag{i}", 1u);
        peer.Send(ScriptedPeer.SenderAttach("up") with { Unsettled = map.Build() });
        ExpectNotImplemented(peer);
    }

    [Fact]
    public void Row32_IncompleteUnsettled_IsRefusedWithoutAskingTheOwner()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(ScriptedPeer.ReceiverAttach("down") with { IncompleteUnsettled = true });
        ExpectNotImplemented(peer);
    }

    [Fact]
    public void Row32_EmptyUnsettledMap_IsNone()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(ScriptedPeer.SenderAttach("up") with { Unsettled = default(AmqpMap) });
        peer.ExpectEvent(AmqpEventKind.LinkAttached);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Row32_ResumedTransfer_DetachesTheLink(bool within, bool aborted)
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        if (within)
            peer.SendTransfer(0, [1], more: true);
        peer.Send(new Transfer { Handle = 0, DeliveryId = 0, DeliveryTag = new byte[] { 0, 0, 0, 0 }, Resume = true, Aborted = aborted });
        peer.ExpectDetach(ErrorCondition.IllegalState);
        Assert.Equal((0, 0L), (link.Session.IncomingUnsettled.Count, peer.Engine.PartialBytes));
    }

    [Fact]
    public void Row33_TransferWithoutCredit_DetachesTheLink()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender("other", 1, credit: 1);
        peer.AttachSender(credit: 2);
        peer.SendTransfer(0, [1]);
        peer.SendTransfer(1, [1], more: true);
        peer.SendTransfer(1, [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendTransfer(2, [1]);
        peer.ExpectDetach(ErrorCondition.TransferLimitExceeded, 1);
        peer.SendTransfer(3, [1], handle: 1);
        peer.ExpectEvent(AmqpEventKind.Delivery);
    }

    [Fact]
    public void Row34_TransferBeyondTheWindow_EndsTheSession()
    {
        // A window that is never half empty is never announced again, so its end can be reached: size 0.
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { IncomingWindow = 0 });
        peer.AttachSender(credit: 100);
        peer.SendTransfer(0, [1]);
        peer.ExpectEnd(ErrorCondition.WindowViolation);
    }

    [Theory]
    [InlineData(2u)]
    [InlineData(0x7000_0000u)]
    public void Row35_NextIncomingIdAheadOfWhatWasSent_EndsTheSession(uint nextIncomingId)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.SendFlow(nextIncomingId: nextIncomingId);
        peer.ExpectEnd(ErrorCondition.WindowViolation);
    }

    /// <summary>
    /// AMQP 2.5.6 has the receiver follow next-outgoing-id, and clients exist that count a delivery of several frames
    /// once; so a number is wrong only when it takes back more than was ever sent.
    /// </summary>
    [Theory]
    [InlineData(9u, true)]
    [InlineData(10u, false)]
    [InlineData(12u, false)]
    [InlineData(0x8000_0100u, true)]
    public void Row35_NextOutgoingIdBehindTheFirst_EndsTheSession(uint nextOutgoingId, bool isWrong)
    {
        var peer = ScriptedPeer.MappedServer(nextOutgoingId: 10);
        peer.AttachSender();
        peer.SendTransfer(0, [1]);
        peer.SendTransfer(1, [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendFlow(nextOutgoingId: nextOutgoingId);
        if (isWrong)
            peer.ExpectEnd(ErrorCondition.WindowViolation);
        else
            peer.ExpectSilence();
    }

    [Theory]
    [InlineData(0u, uint.MaxValue, uint.MaxValue)]
    [InlineData(0xFFFF_FFFFu, uint.MaxValue, uint.MaxValue - 1)]
    [InlineData(0xFFFF_FFFFu, 5u, 4u)]
    [InlineData(0x8000_0000u, uint.MaxValue, 0u)]
    [InlineData(1u, 5u, 0u)]
    public void Row36_CreditNearTheEndsOfItsNumbers_IsSerialArithmetic(uint deliveryCount, uint credit, uint expected)
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: deliveryCount, credit: credit);
        Assert.Equal(expected, link.Credit);
    }

    [Fact]
    public void Row36_DeliveryCountOfASenderFarAhead_TakesItsCreditAndThrowsNothing()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 10);
        peer.SendFlow(handle: 0, deliveryCount: 0x7FFF_FFFF, credit: 0);
        Assert.Equal(10u, link.Credit);
        Assert.Equal(0x7FFF_FFFFu, peer.Expect<Flow>().DeliveryCount);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 0);
        peer.ExpectSilence();
    }

    [Fact]
    public void Row37_DrainWithNothingToSend_IsAnsweredOnce()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver(credit: 0);
        peer.SendCredit(10, drain: true);
        peer.Do(link.Drained);
        Assert.Equal(10u, peer.Expect<Flow>().DeliveryCount);
        peer.ExpectSilence();
    }

    [Fact]
    public void Row37_DrainWhileDetaching_IsNotAnswered()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver();
        peer.Do(() => link.Detach());
        peer.Expect<Detach>();
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 10, drain: true, echo: true);
        peer.ExpectSilence();
        peer.ExpectNoEvent();
    }

    [Fact]
    public void Row37_EchoFloodOf100000_IsAnsweredAHundredTimesASecond()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        var flow = Frames.Frame(new Flow { NextIncomingId = 1, IncomingWindow = 1, NextOutgoingId = 1, OutgoingWindow = 1, Handle = 0, Echo = true });
        for (var i = 0; i < 100_000; i++)
        {
            peer.Engine.NowMs = i / 50;
            peer.Engine.TryReceive(flow, out _, out _);
        }
        // Two seconds of it.
        var frames = peer.Engine.Output.Length / 30;
        Assert.InRange(frames, 150, 400);
    }

    private static void ExpectNotImplemented(ScriptedPeer peer)
    {
        peer.Expect<Attach>();
        Assert.Equal(ErrorCondition.NotImplemented, peer.Expect<Detach>().Error!.Condition.Value);
        peer.ExpectSilence();
        peer.ExpectNoEvent();
        peer.Send(new Detach { Handle = 0, Closed = true });
        peer.ExpectNoEvent();
        Assert.Equal(0, peer.Engine.LinkCount);
    }
}
