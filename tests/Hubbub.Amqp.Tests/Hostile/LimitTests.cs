using System.Reflection;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Engine;

namespace Hubbub.Amqp.Tests.Hostile;

/// <summary>Every limit of the engine, at it and one beyond; those that the rows do not cover are here.</summary>
public sealed class LimitTests
{
    /// <summary>Where each limit is tested. A limit without an entry fails.</summary>
    private static readonly Dictionary<string, string> TestedIn = new()
    {
        [nameof(AmqpLimits.FrameSizeBytesMax)] = nameof(FramingRows),
        [nameof(AmqpLimits.SaslFrameSizeBytesMax)] = nameof(HandshakeRows),
        [nameof(AmqpLimits.SaslFramesMax)] = nameof(HandshakeRows),
        [nameof(AmqpLimits.SaslBytesMax)] = nameof(LimitTests),
        [nameof(AmqpLimits.ChannelMax)] = nameof(ConnectionRows),
        [nameof(AmqpLimits.HandleMax)] = nameof(ConnectionRows),
        [nameof(AmqpLimits.LinksMax)] = nameof(LimitTests),
        [nameof(AmqpLimits.IncomingWindow)] = nameof(WindowTests),
        [nameof(AmqpLimits.LinkNameBytesMax)] = nameof(LinkRows),
        [nameof(AmqpLimits.ContainerIdCharsMax)] = nameof(ConnectionRows),
        [nameof(AmqpLimits.DeliveryTagBytesMax)] = nameof(TransferRows),
        [nameof(AmqpLimits.TransfersPerDeliveryMax)] = nameof(TransferRows),
        [nameof(AmqpLimits.UnsettledMax)] = nameof(LimitTests),
        [nameof(AmqpLimits.MessageBytesMax)] = nameof(TransferRows),
        [nameof(AmqpLimits.PartialBytesMax)] = nameof(LimitTests),
        [nameof(AmqpLimits.EchoesPerSecondMax)] = nameof(TimeTests),
        [nameof(AmqpLimits.EmptyFramesPerSecondMax)] = nameof(TransferRows),
        [nameof(AmqpLimits.IdleTimeoutMs)] = nameof(TimeTests),
        [nameof(AmqpLimits.RemoteIdleTimeoutMinMs)] = nameof(TimeTests),
        [nameof(AmqpLimits.OpenDeadlineMs)] = nameof(TimeTests),
        [nameof(AmqpLimits.CloseLingerMs)] = nameof(TimeTests),
        [nameof(AmqpLimits.OutputBytesMax)] = "Transport",
        [nameof(AmqpLimits.WriteStallMs)] = "Transport",
    };

    [Fact]
    public void EveryLimit_HasATest()
    {
        var limits = typeof(AmqpLimits)
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(p => p.Name);
        Assert.Equal(limits.Order(), TestedIn.Keys.Order());
    }

    [Fact]
    public void SaslBytes_AllFramesTogether_AreBounded()
    {
        var peer = ScriptedPeer.OfServer(new AmqpLimits { SaslBytesMax = 100 });
        peer.Send(Frames.SaslHeader);
        peer.Send(new SaslInit { Mechanism = "PLAIN", InitialResponse = new byte[100] });
        Assert.True(peer.Engine.IsEnded);
        peer.ExpectEvent(AmqpEventKind.Closed);
    }

    [Fact]
    public void Links_OnOneConnection_AreBoundedOverAllSessions()
    {
        var peer = ScriptedPeer.OpenedServer(new AmqpLimits { LinksMax = 3 });
        peer.Begin(0);
        peer.Begin(1);
        peer.AttachSender("a", 0, channel: 0);
        peer.AttachSender("b", 1, channel: 0);
        peer.AttachSender("a", 0, channel: 1);
        peer.Send(ScriptedPeer.SenderAttach("b", 1), 1);
        peer.ExpectEnd(ErrorCondition.ResourceLimitExceeded, 1);
        Assert.Equal(2, peer.Engine.LinkCount);
        peer.Begin(2);
        peer.AttachSender("c", 0, channel: 2);
    }

    [Fact]
    public void Handles_ThatThePeerAllows_AreNotExceededByTheHub()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Send(new Begin { NextOutgoingId = 1, IncomingWindow = 1, OutgoingWindow = 1, HandleMax = 0 });
        peer.Expect<Begin>();
        peer.ExpectEvent(AmqpEventKind.SessionBegan);
        peer.AttachSender("a", 0);
        peer.Send(ScriptedPeer.SenderAttach("b", 1));
        peer.ExpectEnd(ErrorCondition.ResourceLimitExceeded);
    }

    [Fact]
    public void Unsettled_FromThePeer_IsBounded()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { UnsettledMax = 3 });
        var link = peer.AttachSender();
        for (uint id = 0; id < 3; id++)
            peer.SendTransfer(id, [1]);
        for (uint id = 0; id < 3; id++)
            peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.Do(() => link.Settle(1, 1, Accepted.Instance));
        peer.Expect<Disposition>();
        peer.SendTransfer(3, [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendTransfer(4, [1]);
        peer.ExpectDetach(ErrorCondition.InvalidField);
    }

    [Fact]
    public void Unsettled_ToThePeer_IsBounded()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { UnsettledMax = 3 });
        var link = peer.AttachReceiver();
        peer.Do(() =>
        {
            for (var i = 0; i < 3; i++)
                Assert.True(link.TrySend([(byte)i], 0, [1], settled: false));
            Assert.False(link.TrySend([9], 0, [1], settled: false));
        });
        peer.Send(new Disposition { Role = Role.Receiver, First = 1, Settled = true });
        Assert.True(link.CanSend);
    }

    [Fact]
    public void PartialMessages_OfAllLinksTogether_AreBounded()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { PartialBytesMax = 25_000 });
        for (uint handle = 0; handle < 3; handle++)
            peer.AttachSender($"up{handle}", handle);
        peer.SendTransfer(0, new byte[10_000], more: true, handle: 0);
        peer.SendTransfer(1, new byte[10_000], more: true, handle: 1);
        peer.SendTransfer(2, new byte[10_000], more: true, handle: 2);
        peer.ExpectDetach(ErrorCondition.ResourceLimitExceeded, 2);
        Assert.Equal(20_000, peer.Engine.PartialBytes);
        peer.SendTransfer(1, new byte[5_000], handle: 1);
        Assert.Equal(15_000, peer.ExpectEvent(AmqpEventKind.Delivery).Payload.Length);
        Assert.Equal(10_000, peer.Engine.PartialBytes);
    }
}
