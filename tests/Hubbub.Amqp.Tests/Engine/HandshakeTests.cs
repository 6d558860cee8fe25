using System.Text;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Headers, SASL and open between peers that mean well.</summary>
public sealed class HandshakeTests
{
    private static readonly string[] Offered = ["EXTERNAL", "MSSBCBS", "ANONYMOUS", "PLAIN"];

    [Fact]
    public void BareHeader_OfAClientThatAuthenticatesLater_IsAnsweredAndOpens()
    {
        var peer = ScriptedPeer.OfServer();
        peer.Send([.. Frames.AmqpHeader, .. Frames.Frame(new Open { ContainerId = "device", ChannelMax = 7 })]);
        peer.ExpectBytes(Frames.AmqpHeader);
        var open = peer.Expect<Open>();
        Assert.Equal("hub", open.ContainerId);
        Assert.Equal(65_536u, open.MaxFrameSize);
        Assert.Equal(8_191, open.ChannelMax);
        Assert.Equal(120_000u, open.IdleTimeOut);
        peer.ExpectEvent(AmqpEventKind.Opened);
        Assert.Equal("device", peer.Engine.RemoteOpen!.ContainerId);
        Assert.Equal(ConnectionState.Open, peer.Engine.State);
    }

    [Theory]
    [InlineData("PLAIN", "\0user\0password")]
    [InlineData("ANONYMOUS", null)]
    [InlineData("EXTERNAL", "")]
    [InlineData("MSSBCBS", "")]
    public void Sasl_OfEachMechanism_IsHandedToTheOwnerAndThenOpens(string mechanism, string? response)
    {
        var peer = ScriptedPeer.OfServer();
        peer.Send(Frames.SaslHeader);
        peer.ExpectBytes(Frames.SaslHeader);
        Assert.Equal(Offered, peer.Expect<SaslMechanisms>().SaslServerMechanisms.Select(m => m.Value));
        ReadOnlyMemory<byte>? bytes = response is null ? null : Encoding.UTF8.GetBytes(response);
        peer.Send(new SaslInit { Mechanism = mechanism, InitialResponse = bytes });
        var init = peer.ExpectEvent(AmqpEventKind.SaslInit).SaslInit!;
        Assert.Equal(mechanism, init.Mechanism.Value);
        Assert.Equal(response ?? "", Encoding.UTF8.GetString(init.InitialResponse.GetValueOrDefault().Span));
        var outcome = peer.Expect<SaslOutcome>();
        Assert.Equal(SaslCode.Ok, outcome.Code);
        Assert.Equal("Welcome!"u8.ToArray(), outcome.AdditionalData!.Value.ToArray());
        peer.Send(Frames.AmqpHeader);
        peer.ExpectBytes(Frames.AmqpHeader);
        peer.Send(new Open { ContainerId = "device" });
        peer.Expect<Open>();
        peer.ExpectEvent(AmqpEventKind.Opened);
    }

    [Fact]
    public void SaslInit_WhileTheOwnerThinks_HoldsTheInputBack()
    {
        var peer = ScriptedPeer.OfServer();
        peer.SaslVerdict = null;
        peer.Send([
            .. Frames.SaslHeader,
            .. Frames.Frame(new SaslInit { Mechanism = "ANONYMOUS" }),
            .. Frames.AmqpHeader,
            .. Frames.Frame(new Open { ContainerId = "device" }),
        ]);
        peer.ExpectEvent(AmqpEventKind.SaslInit);
        peer.ExpectNoEvent();
        Assert.True(peer.Engine.AwaitsOwner);
        peer.Do(() => peer.Engine.CompleteSasl(SaslCode.Ok));
        Assert.False(peer.Engine.AwaitsOwner);
        peer.ExpectEvent(AmqpEventKind.Opened);
    }

    [Fact]
    public void Open_WhileTheOwnerThinks_HoldsTheInputBack()
    {
        var peer = ScriptedPeer.OfServer();
        peer.AcceptsOpen = false;
        peer.Send([
            .. Frames.AmqpHeader,
            .. Frames.Frame(new Open { ContainerId = "device" }),
            .. Frames.Frame(new Begin { NextOutgoingId = 0, IncomingWindow = 1, OutgoingWindow = 1 }),
        ]);
        peer.ExpectEvent(AmqpEventKind.Opened);
        peer.ExpectNoEvent();
        peer.Do(peer.Engine.AcceptOpen);
        peer.ExpectBytes(Frames.AmqpHeader);
        peer.Expect<Open>();
        peer.Expect<Begin>();
        peer.ExpectEvent(AmqpEventKind.SessionBegan);
    }

    [Fact]
    public void Open_ThatTheOwnerRefuses_IsAnsweredWithOpenAndClose()
    {
        var peer = ScriptedPeer.OfServer();
        peer.AcceptsOpen = false;
        peer.Send([.. Frames.AmqpHeader, .. Frames.Frame(new Open { ContainerId = "device" })]);
        peer.ExpectBytes(Frames.AmqpHeader);
        peer.ExpectEvent(AmqpEventKind.Opened);
        peer.Do(() => peer.Engine.Close(new AmqpError { Condition = ErrorCondition.NotFound }));
        peer.Expect<Open>();
        Assert.Equal(ErrorCondition.NotFound, peer.Expect<Close>().Error!.Condition.Value);
    }

    /// <summary>Row 54 of the hostile inputs: legal, and common.</summary>
    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1_000)]
    [InlineData(7)]
    [InlineData(1)]
    public void PipelinedOpening_CutAnywhere_WorksLikeOneFrameAtATime(int chunkBytes)
    {
        var peer = ScriptedPeer.OfServer();
        peer.OnAttach = link => ScriptedPeer.AcceptAndGrant(link, 1_000);
        byte[] bytes = [.. PipelinedOpening(SaslHeaderAndInit())];
        for (var start = 0; start < bytes.Length; start += chunkBytes)
        {
            peer.Send(bytes[start..(int)Math.Min((long)start + chunkBytes, bytes.Length)]);
            if (chunkBytes == int.MaxValue)
                break;
        }
        peer.ExpectEvent(AmqpEventKind.SaslInit);
        peer.ExpectEvent(AmqpEventKind.Opened);
        peer.ExpectEvent(AmqpEventKind.SessionBegan);
        peer.ExpectEvent(AmqpEventKind.LinkAttached);
        for (uint id = 0; id < 1_000; id++)
        {
            var delivery = peer.ExpectEvent(AmqpEventKind.Delivery);
            Assert.Equal(id, delivery.DeliveryId);
            Assert.Equal(id, BitConverter.ToUInt32(delivery.Payload));
        }
        peer.ExpectNoEvent();
    }

    [Fact]
    public void PipelinedOpening_BehindAFailedSasl_IsNotEvenRead()
    {
        var peer = ScriptedPeer.OfServer();
        peer.SaslVerdict = SaslCode.Auth;
        peer.Send(PipelinedOpening(SaslHeaderAndInit()));
        peer.ExpectBytes(Frames.SaslHeader);
        peer.Expect<SaslMechanisms>();
        Assert.Equal(SaslCode.Auth, peer.Expect<SaslOutcome>().Code);
        peer.ExpectSilence();
        peer.ExpectEvent(AmqpEventKind.SaslInit);
        peer.ExpectNoEvent();
        Assert.True(peer.Engine.IsEnded);
        Assert.Null(peer.Engine.RemoteOpen);
    }

    [Fact]
    public void Client_WithoutSasl_SendsHeaderAndOpenAtOnce()
    {
        var peer = ScriptedPeer.OfClient();
        peer.ExpectBytes(Frames.AmqpHeader);
        Assert.Equal("device", peer.Expect<Open>().ContainerId);
        peer.Send([.. Frames.AmqpHeader, .. Frames.Frame(new Open { ContainerId = "hub", MaxFrameSize = 4_096 })]);
        peer.ExpectEvent(AmqpEventKind.Opened);
        Assert.Equal(4_096u, peer.Engine.RemoteFrameSizeBytesMax);
        peer.ExpectSilence();
    }

    [Fact]
    public void Client_WithSasl_TakesTheStepsOneByOne()
    {
        var peer = ScriptedPeer.OfClient(sasl: new SaslInit { Mechanism = "MSSBCBS", InitialResponse = Array.Empty<byte>() });
        peer.ExpectBytes(Frames.SaslHeader);
        peer.ExpectSilence();
        peer.Send(Frames.SaslHeader);
        peer.Send(new SaslMechanisms { SaslServerMechanisms = ["PLAIN", "MSSBCBS"] });
        Assert.Equal("MSSBCBS", peer.Expect<SaslInit>().Mechanism.Value);
        peer.Send(new SaslOutcome { Code = SaslCode.Ok });
        peer.ExpectBytes(Frames.AmqpHeader);
        peer.Expect<Open>();
        peer.Send([.. Frames.AmqpHeader, .. Frames.Frame(new Open { ContainerId = "hub" })]);
        peer.ExpectEvent(AmqpEventKind.Opened);
    }

    [Fact]
    public void Client_WhoseMechanismIsNotOffered_SaysWhatIs()
    {
        var peer = ScriptedPeer.OfClient(sasl: new SaslInit { Mechanism = "MSSBCBS" });
        peer.Send([.. Frames.SaslHeader, .. Frames.Frame(new SaslMechanisms { SaslServerMechanisms = ["PLAIN", "EXTERNAL"] })]);
        var closed = peer.ExpectEvent(AmqpEventKind.Closed);
        Assert.Contains("PLAIN, EXTERNAL", closed.Error!.Description, StringComparison.Ordinal);
        Assert.True(peer.Engine.IsEnded);
    }

    [Fact]
    public void Client_WhoseCredentialsAreRefused_EndsUnauthorized()
    {
        var peer = ScriptedPeer.OfClient(sasl: new SaslInit { Mechanism = "PLAIN" });
        peer.Send([
            .. Frames.SaslHeader,
            .. Frames.Frame(new SaslMechanisms { SaslServerMechanisms = ["PLAIN"] }),
            .. Frames.Frame(new SaslOutcome { Code = SaslCode.Auth }),
        ]);
        Assert.Equal(ErrorCondition.UnauthorizedAccess, peer.ExpectEvent(AmqpEventKind.Closed).Error!.Condition.Value);
        Assert.True(peer.Engine.IsEnded);
    }

    [Fact]
    public void Client_WhoseServerSpeaksSomethingElse_Ends()
    {
        var peer = ScriptedPeer.OfClient();
        peer.Send("HTTP/1.1 400"u8.ToArray());
        Assert.Equal(ErrorCondition.FramingError, peer.ExpectEvent(AmqpEventKind.Closed).Error!.Condition.Value);
        Assert.True(peer.Engine.IsEnded);
    }

    [Fact]
    public void Close_OfThePeer_IsAnsweredAndEverythingAfterItDropped()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        peer.Send([.. Frames.Frame(new Close()), .. Frames.Frame(new Open { ContainerId = "again" }), 1, 2, 3]);
        Assert.Null(peer.Expect<Close>().Error);
        peer.ExpectSilence();
        Assert.True(peer.ExpectEvent(AmqpEventKind.Closed).ByPeer);
        peer.ExpectNoEvent();
        Assert.True(peer.Engine.IsEnded);
        Assert.Equal(0, peer.Engine.LinkCount);
    }

    [Fact]
    public void Close_OfTheOwner_DropsWhatStillComesAndWaitsForTheAnswer()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver();
        peer.Do(() => peer.Engine.Close(new AmqpError { Condition = ErrorCondition.ConnectionForced }));
        Assert.Equal(ErrorCondition.ConnectionForced, peer.Expect<Close>().Error!.Condition.Value);
        // An owner that has not noticed writes nothing behind the close.
        peer.Do(() =>
        {
            Assert.False(link.CanSend);
            Assert.False(link.TrySend([1], 0, [1], settled: true));
            link.Detach();
            link.Session.End();
            peer.Engine.Close();
        });
        peer.SendTransfer(0, [1]);
        peer.Send(Frames.Frame([0xFF, 0xFF]));
        peer.ExpectSilence();
        peer.ExpectNoEvent();
        peer.Send(new Close());
        peer.ExpectEvent(AmqpEventKind.Closed);
        Assert.True(peer.Engine.IsEnded);
        peer.ExpectSilence();
    }

    private static byte[] SaslHeaderAndInit() =>
        [.. Frames.SaslHeader, .. Frames.Frame(new SaslInit { Mechanism = "ANONYMOUS" })];

    private static byte[] PipelinedOpening(byte[] start)
    {
        var bytes = new List<byte>(start);
        bytes.AddRange(Frames.AmqpHeader);
        bytes.AddRange(Frames.Frame(new Open { ContainerId = "device" }));
        bytes.AddRange(Frames.Frame(new Begin { NextOutgoingId = 0, IncomingWindow = 2_048, OutgoingWindow = 2_048 }));
        bytes.AddRange(Frames.Frame(ScriptedPeer.SenderAttach("up")));
        for (uint id = 0; id < 1_000; id++)
        {
            var number = BitConverter.GetBytes(id);
            bytes.AddRange(Frames.Frame(new Transfer { Handle = 0, DeliveryId = id, DeliveryTag = number }, 0, number));
        }
        return [.. bytes];
    }
}
