using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Attach and detach, for both roles.</summary>
public sealed class LinkTests
{
    private static readonly AmqpError NotFound = new() { Condition = ErrorCondition.NotFound, Description = "No such device." };

    [Fact]
    public void Attach_Accepted_EchoesNameModesAndCarriesTheOwnersTermini()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.OnAttach = link => link.Accept(new Attach
        {
            Name = "ignored",
            Handle = 77,
            Role = Role.Sender,
            Source = link.RemoteAttach!.Source,
            Target = link.RemoteAttach!.Target,
            MaxMessageSize = 1 << 20,
        });
        peer.Send(ScriptedPeer.SenderAttach("up", 9) with
        {
            SndSettleMode = SenderSettleMode.Settled,
            RcvSettleMode = ReceiverSettleMode.Second,
        });
        var attach = peer.Expect<Attach>();
        Assert.Equal("up", attach.Name);
        Assert.Equal(0u, attach.Handle);
        Assert.Equal(Role.Receiver, attach.Role);
        Assert.Equal(SenderSettleMode.Settled, attach.SndSettleMode);
        Assert.Equal(ReceiverSettleMode.Second, attach.RcvSettleMode);
        Assert.Equal((ulong?)(1 << 20), attach.MaxMessageSize);
        Assert.Null(attach.InitialDeliveryCount);
        Assert.NotNull(attach.Source);
        Assert.NotNull(attach.Target);
        Assert.True(peer.ExpectEvent(AmqpEventKind.LinkAttached).Link!.IsAttached);
    }

    [Fact]
    public void Attach_OfAReceiver_IsAnsweredWithAnInitialDeliveryCount()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(ScriptedPeer.ReceiverAttach("down"));
        Assert.Equal(0u, peer.Expect<Attach>().InitialDeliveryCount);
    }

    [Fact]
    public void Attach_Refused_IsAnsweredWithoutTerminiAndDetached()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.OnAttach = link => link.Refuse(NotFound, 1 << 20);
        peer.Send(ScriptedPeer.SenderAttach("up", 3));
        var attach = peer.Expect<Attach>();
        Assert.Null(attach.Source);
        Assert.Null(attach.Target);
        Assert.Equal((ulong?)(1 << 20), attach.MaxMessageSize);
        var detach = peer.Expect<Detach>();
        Assert.True(detach.Closed);
        Assert.Equal("No such device.", detach.Error!.Description);
        peer.ExpectEvent(AmqpEventKind.LinkAttached);
        // The owner refused it, so the answer is no news.
        peer.Send(new Detach { Handle = 3, Closed = true });
        peer.ExpectSilence();
        peer.ExpectNoEvent();
        Assert.Equal(0, peer.Engine.LinkCount);
    }

    [Fact]
    public void Attach_RefusedWithPropertiesAsked_EchoesThem()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.OnAttach = link => link.Refuse(NotFound);
        var properties = new AmqpMapBuilder().Add("com.microsoft:client-version", "x").Build();
        peer.Send(ScriptedPeer.ReceiverAttach("down") with { Properties = properties });
        Assert.Equal(properties, peer.Expect<Attach>().Properties);
    }

    [Fact]
    public void Detach_OfThePeer_IsAnsweredAndTheNameAndHandleAreFreeAtOnce()
    {
        var peer = ScriptedPeer.MappedServer();
        for (var round = 0; round < 5; round++)
        {
            var link = peer.AttachSender("up", 2);
            peer.Send([
                .. Frames.Frame(new Detach { Handle = 2, Closed = round % 2 == 0 }),
                .. Frames.Frame(ScriptedPeer.ReceiverAttach("up", 2)),
                .. Frames.Frame(new Detach { Handle = 2, Closed = true }),
            ]);
            Assert.Equal(round % 2 == 0, peer.Expect<Detach>().Closed);
            Assert.Equal(0u, peer.Expect<Attach>().Handle);
            peer.Expect<Detach>();
            Assert.Same(link, peer.ExpectEvent(AmqpEventKind.LinkDetached).Link);
            peer.ExpectEvent(AmqpEventKind.LinkAttached);
            peer.ExpectEvent(AmqpEventKind.LinkDetached);
            Assert.Equal(0, peer.Engine.LinkCount);
        }
    }

    [Fact]
    public void Detach_OfThePeerWithAnError_ReachesTheOwner()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver();
        peer.Send(new Detach { Handle = 0, Closed = true, Error = NotFound });
        Assert.Null(peer.Expect<Detach>().Error);
        var detached = peer.ExpectEvent(AmqpEventKind.LinkDetached);
        Assert.Same(link, detached.Link);
        Assert.Equal(NotFound, detached.Error);
        Assert.True(detached.ByPeer);
    }

    [Fact]
    public void Detach_OfTheOwner_DropsWhatIsUnderWayAndLeavesOtherLinksAlone()
    {
        var peer = ScriptedPeer.MappedServer();
        var first = peer.AttachSender("first", 0);
        peer.AttachSender("second", 1);
        peer.SendTransfer(0, [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.Do(() => first.Detach(NotFound));
        Assert.Equal(ErrorCondition.NotFound, peer.Expect<Detach>().Error!.Condition.Value);
        peer.SendTransfer(1, [1], more: true);
        peer.SendTransfer(2, [1], handle: 1);
        peer.SendFlow(handle: 0, deliveryCount: 2, credit: 5);
        Assert.Equal(2u, peer.ExpectEvent(AmqpEventKind.Delivery).DeliveryId);
        // A settlement of what the link left behind says nothing to anybody.
        peer.Do(() => first.Settle(0, 1, Accepted.Instance));
        peer.ExpectSilence();
        peer.Send(new Detach { Handle = 0, Closed = true });
        peer.ExpectSilence();
        peer.ExpectEvent(AmqpEventKind.LinkDetached);
        Assert.Equal(1, peer.Engine.LinkCount);
        Assert.Equal(1, first.Session.IncomingUnsettled.Count);
    }

    [Fact]
    public void Detach_CrossingAndAnsweredTwice_IsHarmless()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        peer.Do(() => link.Detach());
        peer.Expect<Detach>();
        peer.Send(new Detach { Handle = 0, Closed = true });
        peer.Send(new Detach { Handle = 0, Closed = true });
        peer.ExpectEvent(AmqpEventKind.LinkDetached);
        peer.ExpectNoEvent();
        peer.ExpectSilence();
    }

    /// <summary>AMQP 2.6.1 within a session; across sessions SDKs use the same names (see SessionTests).</summary>
    [Fact]
    public void Attach_WithANameInUse_StealsTheOlderLinkOfTheSession()
    {
        var peer = ScriptedPeer.MappedServer();
        var old = peer.AttachSender("up", 0);
        peer.AttachReceiver("up", 1, credit: 0);
        peer.Send(ScriptedPeer.SenderAttach("up", 2));
        var detach = peer.Expect<Detach>();
        Assert.Equal(0u, detach.Handle);
        Assert.Equal(ErrorCondition.LinkStolen, detach.Error!.Condition.Value);
        peer.Expect<Attach>();
        var attached = peer.ExpectEvent(AmqpEventKind.LinkAttached);
        var stolen = peer.ExpectEvent(AmqpEventKind.LinkDetached);
        Assert.Same(old, stolen.Link);
        Assert.False(stolen.ByPeer);
        Assert.NotSame(old, attached.Link);
        peer.Send(new Detach { Handle = 0, Closed = true });
        peer.ExpectNoEvent();
        peer.SendTransfer(0, [1], handle: 2);
        peer.ExpectDetach(ErrorCondition.TransferLimitExceeded, 2);
    }

    [Fact]
    public void Handles_OfTheHub_AreReusedLowestFirst()
    {
        var peer = ScriptedPeer.MappedServer();
        for (uint handle = 0; handle < 40; handle++)
            peer.AttachSender($"link{handle}", handle);
        foreach (uint handle in new uint[] { 7, 3, 39 })
        {
            peer.Send(new Detach { Handle = handle, Closed = true });
            Assert.Equal(handle, peer.Expect<Detach>().Handle);
        }
        foreach (uint expected in new uint[] { 3, 7, 39, 40 })
        {
            peer.Send(ScriptedPeer.ReceiverAttach($"again{expected}", 1_000 + expected));
            Assert.Equal(expected, peer.Expect<Attach>().Handle);
        }
    }

    [Fact]
    public void Flow_RightBehindTheAttach_IsCreditOnceTheLinkIsAccepted()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.OnAttach = null;
        peer.Send([
            .. Frames.Frame(ScriptedPeer.ReceiverAttach("down")),
            .. Frames.Frame(new Flow
            {
                NextIncomingId = 1, IncomingWindow = 10, NextOutgoingId = 1, OutgoingWindow = 10, Handle = 0, LinkCredit = 4,
            }),
        ]);
        var link = (SenderLink)peer.ExpectEvent(AmqpEventKind.LinkAttached).Link!;
        peer.ExpectNoEvent();
        peer.Do(() => ScriptedPeer.Accept(link));
        Assert.Same(link, peer.ExpectEvent(AmqpEventKind.LinkFlow).Link);
        Assert.Equal(4u, link.Credit);
    }

    [Fact]
    public void Client_AttachesBothKinds_AndGrantsBeforeTheAnswer()
    {
        var (peer, session) = MappedClient();
        SenderLink? sender = null;
        ReceiverLink? receiver = null;
        peer.Do(() =>
        {
            sender = (SenderLink)session.Attach(ScriptedPeer.SenderAttach("up") with { InitialDeliveryCount = 7 });
            receiver = (ReceiverLink)session.Attach(ScriptedPeer.ReceiverAttach("down"));
            receiver.Grant(10);
        });
        Assert.Equal(7u, peer.Expect<Attach>().InitialDeliveryCount);
        Assert.Equal(1u, peer.Expect<Attach>().Handle);
        peer.ExpectSilence();
        peer.Send(ScriptedPeer.SenderAttach("down", 5) with { InitialDeliveryCount = 40 });
        Assert.Same(receiver, peer.ExpectEvent(AmqpEventKind.LinkAttached).Link);
        var flow = peer.Expect<Flow>();
        Assert.Equal((1u, 40u, 10u), (flow.Handle, flow.DeliveryCount, flow.LinkCredit));
        peer.Send(ScriptedPeer.ReceiverAttach("up", 6));
        Assert.Same(sender, peer.ExpectEvent(AmqpEventKind.LinkAttached).Link);
        peer.SendFlow(handle: 6, deliveryCount: 7, credit: 2);
        peer.ExpectEvent(AmqpEventKind.LinkFlow);
        Assert.Equal(2u, sender!.Credit);
    }

    [Fact]
    public void Client_WhoseAttachIsRefused_SeesNoTerminiAndThenTheReason()
    {
        var (peer, session) = MappedClient();
        peer.Do(() => session.Attach(ScriptedPeer.SenderAttach("up")));
        peer.Expect<Attach>();
        peer.Send([
            .. Frames.Frame(new Attach { Name = "up", Handle = 0, Role = Role.Receiver }),
            .. Frames.Frame(new Detach { Handle = 0, Closed = true, Error = NotFound }),
        ]);
        Assert.Null(peer.ExpectEvent(AmqpEventKind.LinkAttached).Link!.RemoteAttach!.Target);
        Assert.Equal(NotFound, peer.ExpectEvent(AmqpEventKind.LinkDetached).Error);
        Assert.True(peer.Expect<Detach>().Closed);
        Assert.Equal(0, peer.Engine.LinkCount);
    }

    [Fact]
    public void Client_ThatDetachesBeforeTheAnswer_TakesTheAnswerAsThatAndFreesItsHandle()
    {
        var (peer, session) = MappedClient();
        AmqpLink? first = null;
        peer.Do(() =>
        {
            first = session.Attach(ScriptedPeer.SenderAttach("up"));
            first.Detach();
            session.Attach(ScriptedPeer.SenderAttach("up"));
        });
        peer.Send([
            .. Frames.Frame(ScriptedPeer.ReceiverAttach("up", 0)),
            .. Frames.Frame(new Detach { Handle = 0, Closed = true }),
            .. Frames.Frame(ScriptedPeer.ReceiverAttach("up", 1)),
        ]);
        Assert.Same(first, peer.ExpectEvent(AmqpEventKind.LinkDetached).Link);
        Assert.NotSame(first, peer.ExpectEvent(AmqpEventKind.LinkAttached).Link);
        Assert.Equal(1, peer.Engine.LinkCount);
    }

    [Fact]
    public void Client_OnAnEndedSession_AttachesNothing()
    {
        var (peer, session) = MappedClient();
        peer.Do(() => session.End());
        Assert.Throws<InvalidOperationException>(() => session.Attach(ScriptedPeer.SenderAttach("up")));
    }

    internal static (ScriptedPeer Peer, AmqpSession Session) MappedClient(AmqpLimits? limits = null, uint maxFrameSize = 65_536)
    {
        var peer = SessionTests.OpenedClient(limits: limits, maxFrameSize: maxFrameSize);
        AmqpSession? session = null;
        peer.Do(() => session = peer.Engine.BeginSession());
        peer.Expect<Begin>();
        peer.Send(new Begin { RemoteChannel = 0, NextOutgoingId = 1, IncomingWindow = 5_000, OutgoingWindow = 5_000 });
        peer.ExpectEvent(AmqpEventKind.SessionBegan);
        return (peer, session!);
    }
}
