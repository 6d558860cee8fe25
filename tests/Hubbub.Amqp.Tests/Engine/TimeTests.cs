using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Idle time-outs, heartbeats and deadlines (AMQP 2.4.5), on a clock that the test moves.</summary>
public sealed class TimeTests
{
    [Fact]
    public void Heartbeats_GoOutAtHalfOfWhatThePeerAsksFor()
    {
        var peer = ScriptedPeer.OpenedServer(idleTimeOut: 30_000);
        Assert.Equal(15_000, peer.Engine.HeartbeatMs);
        Assert.Equal(15_000, peer.Engine.NextTickMs);
        peer.Advance(14_999);
        peer.ExpectSilence();
        peer.Advance(1);
        peer.ExpectHeartbeat();
        Assert.Equal(30_000, peer.Engine.NextTickMs);
        peer.Advance(15_000);
        peer.ExpectHeartbeat();
    }

    [Fact]
    public void Heartbeats_AreSparedWhileThereIsTraffic()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver();
        for (var i = 0; i < 10; i++)
        {
            peer.Advance(40_000);
            peer.ExpectSilence();
            peer.Do(() => link.TrySend([1], 0, [1], settled: true));
            peer.Expect<Transfer>();
            peer.Send(Frames.Frame([]));
        }
        // Nothing was asked for, and middle boxes drop quiet connections: half of our own time-out.
        peer.Advance(60_000);
        peer.ExpectHeartbeat();
    }

    [Fact]
    public void Heartbeat_IsNotAddedToWhatAlreadyWaits()
    {
        var peer = ScriptedPeer.OpenedServer(idleTimeOut: 2_000);
        peer.Engine.NowMs += 1_000;
        peer.Engine.Output.Write([0, 0, 0, 8, 2, 0, 0, 0]);
        Assert.Equal(2_000, peer.Engine.Tick());
        Assert.Equal(8, peer.Engine.Output.Length);
    }

    [Fact]
    public void SilentPeer_IsClosedAtTwiceOurTimeoutAndCutAfterTheLinger()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Advance(239_999);
        peer.ExpectHeartbeat();
        peer.ExpectNoEvent();
        peer.Advance(1);
        peer.ExpectClose(ErrorCondition.ResourceLimitExceeded);
        Assert.Equal(245_000, peer.Engine.NextTickMs);
        peer.Advance(4_999);
        Assert.False(peer.Engine.IsEnded);
        peer.Advance(1);
        Assert.True(peer.Engine.IsEnded);
        peer.ExpectSilence();
        peer.ExpectNoEvent();
    }

    [Fact]
    public void PeerThatSendsHalfAFrameAgainAndAgain_IsSilentAllTheSame()
    {
        var peer = ScriptedPeer.OpenedServer(new AmqpLimits { IdleTimeoutMs = 10_000 });
        var frame = Frames.Frame(new Begin { NextOutgoingId = 1, IncomingWindow = 1, OutgoingWindow = 1 });
        for (var i = 0; i < 4; i++)
        {
            peer.Send([frame[i]]);
            peer.Advance(5_000);
        }
        Assert.Equal(ConnectionState.CloseSent, peer.Engine.State);
    }

    [Fact]
    public void PeerThatIsHeldBack_IsNotBlamedForItsSilence()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Engine.NowMs = 300_000;
        peer.Engine.ExcuseSilence();
        peer.Advance(0);
        Assert.Equal(ConnectionState.Open, peer.Engine.State);
    }

    [Fact]
    public void NoTimeout_MeansNeither()
    {
        var peer = ScriptedPeer.OpenedServer(new AmqpLimits { IdleTimeoutMs = 0 });
        peer.Advance(10_000_000);
        peer.ExpectSilence();
        Assert.Equal(ConnectionState.Open, peer.Engine.State);
        Assert.Equal(long.MaxValue, peer.Engine.NextTickMs);
    }

    [Theory]
    [InlineData(999u)]
    [InlineData(1u)]
    public void IdleTimeout_BelowASecond_IsRefused(uint idleTimeOut)
    {
        var peer = ScriptedPeer.OfServer();
        peer.Send([.. Frames.AmqpHeader, .. Frames.Frame(new Open { ContainerId = "x", IdleTimeOut = idleTimeOut })]);
        peer.ExpectBytes(Frames.AmqpHeader);
        peer.Expect<Open>();
        peer.ExpectClose(ErrorCondition.NotAllowed);
    }

    [Fact]
    public void OpenDeadline_PassesWhateverTricklesIn_AndCutsWithoutAWord()
    {
        var peer = ScriptedPeer.OfServer();
        Assert.Equal(20_000, peer.Engine.NextTickMs);
        for (var i = 0; i < 4; i++)
        {
            peer.Send([Frames.AmqpHeader[i]]);
            peer.Advance(4_999);
        }
        Assert.False(peer.Engine.IsEnded);
        peer.Advance(4);
        Assert.True(peer.Engine.IsEnded);
        peer.ExpectSilence();
        Assert.Equal(ErrorCondition.ResourceLimitExceeded, peer.ExpectEvent(AmqpEventKind.Closed).Error!.Condition.Value);
    }

    [Fact]
    public void CloseDeadline_CutsAPeerThatDoesNotAnswer()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Do(() => peer.Engine.Close());
        peer.Expect<Close>();
        Assert.Equal(5_000, peer.Engine.NextTickMs);
        peer.Advance(5_000);
        Assert.True(peer.Engine.IsEnded);
        Assert.Null(peer.ExpectEvent(AmqpEventKind.Closed).Error);
        peer.ExpectNoEvent();
    }

    [Fact]
    public void EchoFlood_IsAnsweredAtABoundedRateAndTheRestAtTheNextTick()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender("up", 0, credit: 7);
        peer.AttachSender("still", 1, credit: 7);
        for (var i = 0; i < 10_000; i++)
            peer.SendFlow(handle: 0, echo: true);
        for (var i = 0; i < 100; i++)
            Assert.Equal(0u, peer.Expect<Flow>().Handle);
        peer.ExpectSilence();
        Assert.Equal(1_000, peer.Engine.NextTickMs);
        peer.Advance(1_000);
        Assert.Null(peer.Expect<Flow>().Handle);
        var flow = peer.Expect<Flow>();
        Assert.Equal((0u, 7u), (flow.Handle, flow.LinkCredit));
        peer.ExpectSilence();
        peer.Advance(1_000);
        peer.ExpectSilence();
        peer.SendFlow(echo: true);
        peer.Expect<Flow>();
    }
}
