using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Begin and end, for both roles.</summary>
public sealed class SessionTests
{
    [Fact]
    public void Begin_OnAnyChannel_IsAnsweredOnTheSameOne()
    {
        var peer = ScriptedPeer.OpenedServer();
        foreach (ushort channel in new ushort[] { 0, 1, 17, 8_191 })
            peer.Begin(channel);
        Assert.Equal([0, 1, 17, 8_191], peer.Engine.Sessions.Select(s => s.LocalChannel));
    }

    [Fact]
    public void Begin_OfThePeer_IsAnsweredWithOurWindowsAndHandleMax()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Send(new Begin { NextOutgoingId = 7, IncomingWindow = 2_048, OutgoingWindow = 100 }, 3);
        var begin = peer.Expect<Begin>(3);
        Assert.Equal<uint?>(3, begin.RemoteChannel);
        Assert.Equal(5_000u, begin.IncomingWindow);
        Assert.Equal(2_048u, begin.OutgoingWindow);
        Assert.Equal(4_095u, begin.HandleMax);
        Assert.Equal(1u, begin.NextOutgoingId);
    }

    [Fact]
    public void End_ThenBeginAtOnceOnTheSameChannel_GivesANewSession()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Begin(4);
        peer.AttachSender(channel: 4);
        var first = peer.Engine.Sessions.Single();
        peer.Send([
            .. Frames.Frame(new End(), 4),
            .. Frames.Frame(new Begin { NextOutgoingId = 1, IncomingWindow = 10, OutgoingWindow = 10 }, 4),
            .. Frames.Frame(ScriptedPeer.SenderAttach("up"), 4),
        ]);
        peer.Expect<End>(4);
        peer.Expect<Begin>(4);
        peer.Expect<Attach>(4);
        Assert.Same(first, peer.ExpectEvent(AmqpEventKind.SessionEnded).Session);
        var second = peer.ExpectEvent(AmqpEventKind.SessionBegan).Session;
        Assert.NotSame(first, second);
        Assert.Same(second, peer.ExpectEvent(AmqpEventKind.LinkAttached).Session);
        Assert.Equal(SessionState.Ended, first.State);
        Assert.Equal(1, peer.Engine.LinkCount);
    }

    [Fact]
    public void End_CrossingOurs_IsTakenAsTheAnswer()
    {
        var peer = ScriptedPeer.MappedServer();
        var session = peer.Engine.Sessions.Single();
        peer.Do(() => session.End(new AmqpError { Condition = ErrorCondition.ResourceDeleted }));
        Assert.Equal(ErrorCondition.ResourceDeleted, peer.Expect<End>().Error!.Condition.Value);
        // What was under way is dropped, even what no session would take.
        peer.SendTransfer(0, [1], handle: 99);
        peer.SendFlow(handle: 99);
        peer.Send(Frames.Frame(Frames.List(Attach.Descriptor)));
        peer.Send(new Disposition { Role = Role.Receiver, First = 0 });
        peer.Send(new End());
        peer.ExpectSilence();
        peer.ExpectEvent(AmqpEventKind.SessionEnded);
        Assert.Empty(peer.Engine.Sessions);
        peer.Begin(0);
    }

    [Fact]
    public void Session_EndedWithAnError_LeavesTheOthersAlone()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Begin(0);
        peer.Begin(1);
        peer.AttachSender(channel: 0);
        peer.AttachSender(channel: 1);
        peer.SendTransfer(0, [1], handle: 5);
        peer.ExpectEnd(ErrorCondition.UnattachedHandle);
        peer.SendTransfer(0, [1], channel: 1);
        Assert.Equal(0u, peer.ExpectEvent(AmqpEventKind.Delivery).DeliveryId);
    }

    [Fact]
    public void LateFrames_BehindThePeersOwnEnd_MeanNothing()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        peer.Send(new End());
        peer.Expect<End>();
        peer.ExpectEvent(AmqpEventKind.SessionEnded);
        peer.Send(new Detach { Handle = 0, Closed = true });
        peer.SendFlow(handle: 0);
        peer.Send(new Disposition { Role = Role.Receiver, First = 0, Settled = true });
        peer.ExpectSilence();
        peer.ExpectNoEvent();
    }

    [Fact]
    public void Sessions_ThousandsOnOneConnection_EachHaveTheirOwnLinksOfTheSameName()
    {
        var peer = ScriptedPeer.OpenedServer();
        for (ushort channel = 0; channel < 3_000; channel++)
        {
            peer.Begin(channel);
            peer.AttachSender("TelemetrySenderLink", channel: channel);
        }
        Assert.Equal(3_000, peer.Engine.LinkCount);
        for (ushort channel = 0; channel < 3_000; channel++)
            peer.SendTransfer(0, [1], channel: channel);
        for (ushort channel = 0; channel < 3_000; channel++)
            Assert.Equal(channel, peer.ExpectEvent(AmqpEventKind.Delivery).Session!.LocalChannel);
    }

    [Fact]
    public void Client_BeginsOnTheLowestFreeChannel()
    {
        var peer = OpenedClient();
        var sessions = new List<AmqpSession>();
        for (ushort channel = 0; channel < 3; channel++)
        {
            peer.Do(() => sessions.Add(peer.Engine.BeginSession()));
            Assert.Null(peer.Expect<Begin>(channel).RemoteChannel);
        }
        peer.Send(new Begin { RemoteChannel = 1, NextOutgoingId = 1, IncomingWindow = 10, OutgoingWindow = 10 }, 9);
        Assert.Same(sessions[1], peer.ExpectEvent(AmqpEventKind.SessionBegan).Session);
        Assert.Equal<ushort?>(9, sessions[1].RemoteChannel);
        Assert.Equal(10u, sessions[1].OutgoingWindowRemaining);
        peer.Send(new End(), 9);
        peer.Expect<End>(1);
        peer.ExpectEvent(AmqpEventKind.SessionEnded);
        peer.Do(() => Assert.Equal(1, peer.Engine.BeginSession().LocalChannel));
    }

    [Fact]
    public void Client_ThatEndsBeforeTheAnswer_HearsOfTheEndOnly()
    {
        var peer = OpenedClient();
        var session = default(AmqpSession);
        peer.Do(() => session = peer.Engine.BeginSession());
        peer.Do(() => session!.End());
        peer.Expect<Begin>();
        peer.Expect<End>();
        peer.Send(new Begin { RemoteChannel = 0, NextOutgoingId = 1, IncomingWindow = 10, OutgoingWindow = 10 });
        peer.ExpectNoEvent();
        peer.Send(new End());
        peer.ExpectEvent(AmqpEventKind.SessionEnded);
        Assert.Empty(peer.Engine.Sessions);
    }

    [Fact]
    public void Client_WithEveryChannelInUse_IsToldSo()
    {
        var peer = OpenedClient(channelMax: 1);
        peer.Engine.BeginSession();
        peer.Engine.BeginSession();
        Assert.Throws<InvalidOperationException>(() => peer.Engine.BeginSession());
    }

    [Fact]
    public void Client_AfterTheClose_BeginsNoSession()
    {
        var peer = OpenedClient();
        peer.Do(() => peer.Engine.Close());
        Assert.Throws<InvalidOperationException>(() => peer.Engine.BeginSession());
    }

    [Fact]
    public void Begin_OfAServer_IsRefusedByTheClient()
    {
        var peer = OpenedClient();
        peer.Send(new Begin { NextOutgoingId = 1, IncomingWindow = 1, OutgoingWindow = 1 });
        peer.ExpectClose(ErrorCondition.NotAllowed);
    }

    internal static ScriptedPeer OpenedClient(ushort channelMax = 100, AmqpLimits? limits = null, uint maxFrameSize = 65_536)
    {
        var peer = ScriptedPeer.OfClient(limits);
        peer.ExpectBytes(Frames.AmqpHeader);
        peer.Expect<Open>();
        peer.Send([
            .. Frames.AmqpHeader,
            .. Frames.Frame(new Open { ContainerId = "hub", ChannelMax = channelMax, MaxFrameSize = maxFrameSize }),
        ]);
        peer.ExpectEvent(AmqpEventKind.Opened);
        return peer;
    }
}
