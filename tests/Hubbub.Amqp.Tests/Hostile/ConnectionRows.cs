using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;
using Hubbub.Amqp.Tests.Engine;

namespace Hubbub.Amqp.Tests.Hostile;

/// <summary>Hostile inputs 19 to 24: open, begin, channels and handles out of order.</summary>
public sealed class ConnectionRows
{
    [Theory]
    [InlineData(1)]
    [InlineData(65_535)]
    public void Row19_OpenOnAnotherChannel_Closes(int channel)
    {
        var peer = AfterHeader();
        peer.Send(new Open { ContainerId = "x" }, (ushort)channel);
        ExpectCloseBehindOpen(peer, ErrorCondition.FramingError);
    }

    [Fact]
    public void Row19_SecondOpen_Closes()
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Send(new Open { ContainerId = "again" });
        peer.ExpectClose(ErrorCondition.IllegalState);
        Assert.Equal("device", peer.Engine.RemoteOpen!.ContainerId);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(511u)]
    public void Row19_MaxFrameSizeBelow512_Closes(uint maxFrameSize)
    {
        var peer = AfterHeader();
        peer.Send(new Open { ContainerId = "x", MaxFrameSize = maxFrameSize });
        ExpectCloseBehindOpen(peer, ErrorCondition.FramingError);
    }

    [Theory]
    [InlineData(512u, 0)]
    [InlineData(uint.MaxValue, ushort.MaxValue)]
    public void Row19_LowestAndHighestValues_AreAccepted(uint maxFrameSize, int channelMax)
    {
        var peer = AfterHeader();
        peer.Send(new Open { ContainerId = "", MaxFrameSize = maxFrameSize, ChannelMax = (ushort)channelMax });
        peer.Expect<Open>();
        peer.ExpectEvent(AmqpEventKind.Opened);
        peer.Begin(0);
    }

    [Theory]
    [InlineData(257, ErrorCondition.InvalidField)]
    [InlineData(60_000, ErrorCondition.InvalidField)]
    [InlineData(256, null)]
    public void Row19_ContainerIdThatIsTooLong_Closes(int length, string? condition)
    {
        var peer = AfterHeader();
        peer.Send(new Open { ContainerId = new string('x', length) });
        if (condition is not null)
            ExpectCloseBehindOpen(peer, condition);
        else
            peer.ExpectEvent(AmqpEventKind.Opened);
    }

    public static TheoryData<byte[]> Row20Frames => new((byte[][])
    [
        Frames.Frame(new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 }),
        Frames.Frame(ScriptedPeer.SenderAttach("up")),
        Frames.Frame(new Transfer { Handle = 0 }),
        Frames.Frame(new Close()),
        Frames.Frame(Frames.List(0x77)),
    ]);

    [Theory]
    [MemberData(nameof(Row20Frames))]
    public void Row20_AnyFrameBeforeTheOpen_Closes(byte[] frame)
    {
        var peer = AfterHeader();
        peer.Send(frame);
        ExpectCloseBehindOpen(peer, ErrorCondition.IllegalState);
    }

    [Theory]
    [MemberData(nameof(Row20Frames))]
    public void Row20_AnyFrameAfterTheClose_IsIgnored(byte[] frame)
    {
        var peer = ScriptedPeer.OpenedServer();
        peer.Send([.. Frames.Frame(new Close()), .. frame]);
        peer.Expect<Close>();
        peer.ExpectSilence();
        peer.ExpectEvent(AmqpEventKind.Closed);
        peer.ExpectNoEvent();
        Assert.True(peer.Engine.IsEnded);
    }

    [Fact]
    public void Row21_ChannelAboveChannelMax_Closes()
    {
        foreach (object performative in new object[]
        {
            new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 },
            new End(),
            new Transfer { Handle = 0 },
        })
        {
            var peer = ScriptedPeer.OpenedServer(new AmqpLimits { ChannelMax = 7 });
            peer.Begin(7);
            peer.Send(performative, 8);
            peer.ExpectClose(ErrorCondition.FramingError);
        }
    }

    [Fact]
    public void Row22_BeginTwiceOnAChannel_Closes()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 });
        peer.ExpectClose(ErrorCondition.IllegalState);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(65_535)]
    public void Row22_BeginThatAnswersNothing_Closes(int remoteChannel)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(new Begin { RemoteChannel = (ushort)remoteChannel, NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 }, 1);
        peer.ExpectClose(ErrorCondition.IllegalState);
    }

    [Fact]
    public void Row22_BeginAnsweredTwice_Closes()
    {
        var (peer, _) = LinkTests.MappedClient();
        peer.Send(new Begin { RemoteChannel = 0, NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 }, 1);
        peer.ExpectClose(ErrorCondition.IllegalState);
    }

    [Fact]
    public void Row22_EndThenBeginAtOnce_Works()
    {
        var peer = ScriptedPeer.MappedServer();
        for (var i = 0; i < 100; i++)
        {
            peer.Send([
                .. Frames.Frame(new End()),
                .. Frames.Frame(new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 }),
            ]);
            peer.Expect<End>();
            peer.Expect<Begin>();
        }
        Assert.Single(peer.Engine.Sessions);
    }

    [Fact]
    public void Row22_TransferOrAttachWithoutASession_Closes()
    {
        foreach (object performative in new object[] { new Transfer { Handle = 0 }, ScriptedPeer.SenderAttach("up") })
        {
            var peer = ScriptedPeer.OpenedServer();
            peer.Send(performative);
            peer.ExpectClose(ErrorCondition.IllegalState);
        }
    }

    /// <summary>
    /// The list would stop at 64 sessions; the C# SDK pools thousands on one connection, so the bound is 8,192 and what
    /// counts is that a session costs little and leaves nothing behind.
    /// </summary>
    [Fact]
    public void Row23_BeginAndEndFlood_LeavesMemoryFlat()
    {
        var peer = ScriptedPeer.OpenedServer();
        byte[] round = [
            .. Frames.Frame(new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 }, 8_191),
            .. Frames.Frame(new End(), 8_191),
        ];
        var sessions = new List<WeakReference>();
        for (var i = 0; i < 10_000; i++)
            sessions.Add(BeginAndEnd(peer.Engine, round));
        GC.Collect();
        // The last one may still be on the stack.
        Assert.InRange(sessions.Count(s => s.IsAlive), 0, 1);
        Assert.Empty(peer.Engine.Sessions);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference BeginAndEnd(AmqpConnection engine, byte[] round)
    {
        engine.TryReceive(round, out var used, out var began);
        engine.TryReceive(round.AsMemory(used), out _, out var ended);
        engine.Output.Clear();
        Assert.Same(began.Session, ended.Session);
        return new WeakReference(ended.Session);
    }

    [Fact]
    public void Row23_OneSessionOnTheHighestChannel_CostsNoTable()
    {
        var peer = ScriptedPeer.OpenedServer();
        var begin = Frames.Frame(new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 }, 8_191);
        peer.Engine.Output.GetSpan(1_024);
        var allocated = Wire.AllocatedBytes(() => peer.Engine.TryReceive(begin, out _, out _));
        Assert.InRange(allocated, 1, 20_000); // A table would take 64 KiB.
    }

    [Theory]
    [InlineData(4_096u)]
    [InlineData(uint.MaxValue)]
    public void Row24_HandleAboveHandleMax_Closes(uint handle)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Send(ScriptedPeer.SenderAttach("up", handle));
        peer.ExpectClose(ErrorCondition.FramingError);
    }

    [Fact]
    public void Row24_HighestHandle_IsTakenAndCostsNoTable()
    {
        var peer = ScriptedPeer.MappedServer();
        var attach = Frames.Frame(ScriptedPeer.SenderAttach("up", 4_095));
        var allocated = Wire.AllocatedBytes(() => peer.Engine.TryReceive(attach, out _, out _));
        Assert.InRange(allocated, 1, 20_000); // A table would take 32 KiB.
        Assert.Equal(1, peer.Engine.LinkCount);
    }

    private static ScriptedPeer AfterHeader()
    {
        var peer = ScriptedPeer.OfServer();
        peer.Send(Frames.AmqpHeader);
        peer.ExpectBytes(Frames.AmqpHeader);
        return peer;
    }

    private static void ExpectCloseBehindOpen(ScriptedPeer peer, string condition)
    {
        peer.Expect<Open>();
        peer.ExpectClose(condition);
    }
}
