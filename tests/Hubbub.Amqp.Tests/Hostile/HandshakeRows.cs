using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Engine;

namespace Hubbub.Amqp.Tests.Hostile;

/// <summary>
/// Hostile inputs 1 to 8 of the project's list, before anybody is known: answered with a header or not at all, and
/// never with more. (Whose credentials are right is the server's to say: its own tests cover that.)
/// </summary>
public sealed class HandshakeRows
{
    public static TheoryData<string> Row1Inputs => new((string[])
    [
        Convert.ToHexString("GET / HTTP/1.1\r\n\r\n"u8),
        "16030100C8010000C40303",
        "414D515000010001",
        "414D515000000900",
        "414D515001010000",
        "414D515002010000",
        "414D515003010001",
        "414D515103010000",
        "0000000000000000",
        "FFFFFFFFFFFFFFFFFFFFFFFF",
    ]);

    [Theory]
    [MemberData(nameof(Row1Inputs))]
    public void Row1_FirstBytesOfAnythingElse_AreAnsweredWithTheSaslHeader(string hex)
    {
        var peer = ScriptedPeer.OfServer();
        peer.Send(Convert.FromHexString(hex));
        peer.ExpectBytes(Frames.SaslHeader);
        peer.ExpectSilence();
        peer.ExpectEvent(AmqpEventKind.Closed);
        Assert.True(peer.Engine.IsEnded);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void Row2_PartOfAHeaderThenSilence_IsCutAtTheDeadline(int bytes)
    {
        var peer = ScriptedPeer.OfServer();
        peer.Send(Frames.AmqpHeader[..bytes]);
        peer.Advance(19_999);
        Assert.False(peer.Engine.IsEnded);
        peer.Advance(1);
        Assert.True(peer.Engine.IsEnded);
        peer.ExpectSilence();
    }

    [Fact]
    public void Row2_AByteEveryFiveSeconds_IsCutAtTheSameDeadline()
    {
        var peer = ScriptedPeer.OfServer();
        byte[] bytes = [.. Frames.SaslHeader, .. Frames.Frame(new SaslInit { Mechanism = "ANONYMOUS" })];
        foreach (var b in bytes)
        {
            peer.Send([b]);
            peer.Advance(5_000);
        }
        Assert.True(peer.Engine.IsEnded);
        peer.ExpectSilence();
    }

    [Fact]
    public void Row3_BareHeaderWhereSaslIsRequired_IsAnsweredWithTheSaslHeader()
    {
        var peer = ScriptedPeer.OfServer(saslRequired: true);
        peer.Send([.. Frames.AmqpHeader, .. Frames.Frame(new Open { ContainerId = "x" })]);
        peer.ExpectBytes(Frames.SaslHeader);
        peer.ExpectSilence();
        peer.ExpectEvent(AmqpEventKind.Closed);
        Assert.True(peer.Engine.IsEnded);
        Assert.Null(peer.Engine.RemoteOpen);
    }

    public static TheoryData<byte[]> Row4Inputs => new((byte[][])
    [
        Frames.Frame(new Open { ContainerId = "x" }),
        Frames.Frame(Frames.Encode(new Open { ContainerId = "x" }), type: 1),
        Frames.Frame(Frames.Encode(new SaslInit { Mechanism = "PLAIN" }), type: 0),
        Frames.Frame(new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 }),
        Frames.Frame([]),
    ]);

    [Theory]
    [MemberData(nameof(Row4Inputs))]
    public void Row4_AmqpInTheSaslLayer_IsCutUnanswered(byte[] frame)
    {
        var peer = InSasl();
        peer.Send(frame);
        ExpectCut(peer);
        Assert.Null(peer.Engine.RemoteOpen);
    }

    [Fact]
    public void Row4_SaslAfterTheOutcome_IsNeverDispatched()
    {
        var peer = AfterSasl();
        peer.Send(new SaslInit { Mechanism = "ANONYMOUS" });
        ExpectCut(peer);

        peer = AfterSasl();
        peer.Send(Frames.AmqpHeader);
        peer.ExpectBytes(Frames.AmqpHeader);
        peer.Send(new SaslInit { Mechanism = "ANONYMOUS" });
        peer.Expect<Open>();
        peer.ExpectClose(ErrorCondition.FramingError);
    }

    [Fact]
    public void Row4_OpenBehindTheInitInsteadOfAHeader_IsCutUnanswered()
    {
        var peer = AfterSasl();
        peer.Send(new Open { ContainerId = "x" });
        ExpectCut(peer);
        Assert.Null(peer.Engine.RemoteOpen);
    }

    public static TheoryData<byte[]> Row5Inputs => new((byte[][])
    [
        Frames.Frame(new SaslMechanisms { SaslServerMechanisms = ["PLAIN"] }),
        Frames.Frame(new SaslChallenge { Challenge = new byte[] { 1 } }),
        Frames.Frame(new SaslOutcome { Code = SaslCode.Ok }),
        Frames.Frame(new SaslResponse { Response = new byte[] { 1 } }),
        Frames.Frame(Frames.List(0x45), type: 1),
        Frames.Frame([0xFF], type: 1),
        Frames.Frame(Frames.List(SaslInit.Descriptor), type: 1),
        Frames.Frame(Frames.List(SaslInit.Descriptor, new Symbol("PLAIN"), 5u), type: 1),
    ]);

    [Theory]
    [MemberData(nameof(Row5Inputs))]
    public void Row5_SaslFramesThatAreNotTheClients_AreCutUnanswered(byte[] frame)
    {
        var peer = InSasl();
        peer.Send(frame);
        ExpectCut(peer);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("plain")]
    [InlineData("")]
    public void Row6_UnknownMechanism_GetsOutcomeAuthWithoutAskingTheOwner(string mechanism)
    {
        var peer = InSasl();
        peer.Send(new SaslInit { Mechanism = mechanism });
        Assert.Equal(SaslCode.Auth, peer.Expect<SaslOutcome>().Code);
        peer.ExpectSilence();
        Assert.Equal(ErrorCondition.UnauthorizedAccess, peer.ExpectEvent(AmqpEventKind.Closed).Error!.Condition.Value);
        Assert.True(peer.Engine.IsEnded);
    }

    [Theory]
    [InlineData("no separators")]
    [InlineData("a\0b\0c\0d")]
    [InlineData("\0\0password")]
    public void Row6_PlainThatTheOwnerRefuses_GetsOutcomeAuth(string response)
    {
        var peer = InSasl();
        peer.SaslVerdict = SaslCode.Auth;
        peer.Send(new SaslInit { Mechanism = "PLAIN", InitialResponse = Encoding.UTF8.GetBytes(response) });
        var outcome = peer.Expect<SaslOutcome>();
        Assert.Equal(SaslCode.Auth, outcome.Code);
        Assert.Null(outcome.AdditionalData);
        peer.ExpectSilence();
        Assert.True(peer.Engine.IsEnded);
    }

    [Fact]
    public void Row7_EmptySaslFrame_IsCutUnanswered()
    {
        var peer = InSasl();
        peer.Send(Frames.Frame([], type: 1));
        ExpectCut(peer);
    }

    [Theory]
    [InlineData(8_193u)]
    [InlineData(65_536u)]
    [InlineData(0xFFFF_FFFFu)]
    public void Row8_SaslFrameAboveTheLimit_IsCutByItsSizeAlone(uint size)
    {
        var peer = InSasl();
        var head = Frames.Frame([], type: 1, size: size);
        peer.Send(head);
        ExpectCut(peer);
    }

    [Fact]
    public void Row8_SaslFrameAtTheLimit_IsTaken()
    {
        var peer = InSasl();
        var init = Frames.Frame(new SaslInit { Mechanism = "PLAIN", InitialResponse = new byte[8_192 - 40] });
        Assert.InRange(init.Length, 8_170, 8_192);
        peer.Send(init);
        peer.ExpectEvent(AmqpEventKind.SaslInit);
    }

    [Fact]
    public void Row8_SecondInit_IsCutUnanswered()
    {
        var peer = InSasl();
        peer.SaslVerdict = null;
        var init = Frames.Frame(new SaslInit { Mechanism = "ANONYMOUS" });
        peer.Send([.. init, .. init]);
        peer.ExpectEvent(AmqpEventKind.SaslInit);
        peer.ExpectSilence();
        peer.Do(() => peer.Engine.CompleteSasl(SaslCode.Ok));
        Assert.Equal(SaslCode.Ok, peer.Expect<SaslOutcome>().Code);
        ExpectCut(peer);
    }

    [Fact]
    public void Row8_ManySaslFrames_EndAClientsPatienceToo()
    {
        var peer = ScriptedPeer.OfClient(new AmqpLimits { SaslFramesMax = 2 }, new SaslInit { Mechanism = "PLAIN" });
        peer.Send([.. Frames.SaslHeader, .. Frames.Frame(new SaslMechanisms { SaslServerMechanisms = ["PLAIN"] })]);
        peer.ExpectNoEvent();
        peer.Send(new SaslMechanisms { SaslServerMechanisms = ["PLAIN"] });
        peer.ExpectEvent(AmqpEventKind.Closed);
        Assert.True(peer.Engine.IsEnded);
    }

    private static ScriptedPeer InSasl()
    {
        var peer = ScriptedPeer.OfServer();
        peer.Send(Frames.SaslHeader);
        peer.ExpectBytes(Frames.SaslHeader);
        peer.Expect<SaslMechanisms>();
        return peer;
    }

    private static ScriptedPeer AfterSasl()
    {
        var peer = InSasl();
        peer.Send(new SaslInit { Mechanism = "ANONYMOUS" });
        peer.ExpectEvent(AmqpEventKind.SaslInit);
        peer.Expect<SaslOutcome>();
        return peer;
    }

    private static void ExpectCut(ScriptedPeer peer)
    {
        peer.ExpectSilence();
        peer.ExpectEvent(AmqpEventKind.Closed);
        peer.ExpectNoEvent();
        Assert.True(peer.Engine.IsEnded);
    }
}
