using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;
using Hubbub.Amqp.Tests.Engine;

namespace Hubbub.Amqp.Tests.Hostile;

/// <summary>
/// Hostile inputs 38 to 50 as far as they are the engine's. Rows 43, 44 and 47 (sections, properties, expired locks)
/// are about messages: their bytes pass the engine unread, and the outcome is the owner's.
/// </summary>
public sealed class TransferRows
{
    [Fact]
    public void Row38_FirstTransferWithoutIdOrTag_DetachesTheLink()
    {
        foreach (var transfer in new[]
        {
            new Transfer { Handle = 0, DeliveryTag = new byte[] { 1 } },
            new Transfer { Handle = 0, DeliveryId = 0 },
            new Transfer { Handle = 0, More = true },
        })
        {
            var peer = ScriptedPeer.MappedServer();
            peer.AttachSender();
            peer.Send(transfer);
            peer.ExpectDetach(ErrorCondition.InvalidField);
        }
    }

    [Theory]
    [InlineData(33)]
    [InlineData(60_000)]
    public void Row38_TagOfMoreThan32Bytes_DetachesTheLink(int length)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        peer.SendTransfer(0, [1], tag: new byte[32]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendTransfer(1, [1], tag: new byte[length]);
        peer.ExpectDetach(ErrorCondition.InvalidField);
    }

    [Fact]
    public void Row38_TagOfAnotherUnsettledDelivery_DetachesTheLink()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        peer.SendTransfer(0, [1], tag: [7]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.Do(() => link.Settle(0, 0, Accepted.Instance));
        peer.Expect<Disposition>();
        peer.SendTransfer(1, [1], tag: [7]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendTransfer(2, [1], tag: [7]);
        peer.ExpectDetach(ErrorCondition.InvalidField);
    }

    [Theory]
    [InlineData(5u, 5u)]
    [InlineData(5u, 4u)]
    [InlineData(5u, 0x8000_0006u)]
    public void Row38_DeliveryIdThatDoesNotFollow_DetachesTheLink(uint first, uint second)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        peer.SendTransfer(first, [1], tag: [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendTransfer(second, [1], tag: [2]);
        peer.ExpectDetach(ErrorCondition.InvalidField);
    }

    public static TheoryData<Transfer> Row39Continuations => new((Transfer[])
    [
        new Transfer { Handle = 0, DeliveryId = 1 },
        new Transfer { Handle = 0, DeliveryId = 1, DeliveryTag = new byte[] { 9 } },
        new Transfer { Handle = 0, DeliveryTag = new byte[] { 9 } },
        new Transfer { Handle = 0, Settled = false },
    ]);

    [Theory]
    [MemberData(nameof(Row39Continuations))]
    public void Row39_ContinuationOfAnotherDelivery_DetachesTheLink(Transfer continuation)
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        peer.SendTransfer(0, [1], settled: true, more: true);
        peer.Send(continuation, 0, [2]);
        peer.ExpectDetach(ErrorCondition.InvalidField);
        Assert.Equal(0, peer.Engine.PartialBytes);
    }

    /// <summary>The list says 1,024 transfers; a client may choose frames of 512 bytes, so a 1 MiB message takes more.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Row40_MoreForever_DetachesTheLinkAndFreesTheFragments(int payloadBytes)
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        peer.SendTransfer(0, [1], more: true);
        for (var i = 1; i < 4_096; i++)
            peer.SendTransfer(0, new byte[payloadBytes], more: true);
        Assert.True(link.IsAttached);
        // The window was opened again on the way.
        peer.Expect<Flow>();
        peer.ExpectSilence();
        peer.SendTransfer(0, [], more: true);
        peer.ExpectDetach(ErrorCondition.TransferLimitExceeded);
        Assert.Equal((0L, 0), (peer.Engine.PartialBytes, link.Session.IncomingUnsettled.Count));
    }

    [Theory]
    [InlineData(1_000, 1_001)]
    [InlineData(1_000, 60_000)]
    public void Row41_MessageAboveTheLinksSize_DetachesTheLink(int max, int length)
    {
        foreach (var pieces in new[] { 1, 7 })
        {
            var peer = ScriptedPeer.MappedServer();
            peer.OnAttach = link =>
            {
                link.Accept(new Attach { Name = "", Handle = 0, Role = Role.Receiver, MaxMessageSize = (ulong)max });
                ((ReceiverLink)link).Grant(10);
            };
            peer.AttachSender(credit: 0);
            peer.Expect<Flow>();
            peer.SendTransfer(0, new byte[max], settled: true);
            peer.ExpectEvent(AmqpEventKind.Delivery);
            var message = new byte[length];
            foreach (var piece in message.Chunk((length / pieces) + 1))
            {
                if (peer.Engine.Sessions.Single().Links.Single().IsAttached)
                    peer.SendTransfer(1, piece, more: true);
            }
            peer.ExpectDetach(ErrorCondition.MessageSizeExceeded);
            Assert.Equal(0, peer.Engine.PartialBytes);
        }
    }

    [Fact]
    public void Row41_LinkWithoutASize_IsBoundByTheEngines()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { MessageBytesMax = 5_000 });
        peer.AttachSender();
        peer.SendTransfer(0, new byte[5_000]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.SendTransfer(1, new byte[5_000], more: true);
        peer.SendTransfer(1, [1]);
        peer.ExpectDetach(ErrorCondition.MessageSizeExceeded);
    }

    [Fact]
    public void Row42_Aborted_IsDroppedInSilence()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender();
        for (uint id = 0; id < 10; id++)
        {
            peer.SendTransfer(id, new byte[1_000], more: true);
            peer.Send(new Transfer { Handle = 0, DeliveryId = id, Aborted = true, More = true }, 0, [1]);
        }
        peer.ExpectSilence();
        peer.ExpectNoEvent();
        Assert.Equal(0, peer.Engine.PartialBytes);
    }

    [Fact]
    public void Row43And44_MessageThatIsNoMessage_IsTheOwnersToReject()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        peer.SendTransfer(0, [0xFF, 0x00, 0xFF]);
        Assert.Equal([0xFF, 0x00, 0xFF], peer.ExpectEvent(AmqpEventKind.Delivery).Payload);
        var rejected = new Rejected { Error = new AmqpError { Condition = ErrorCondition.DecodeError } };
        peer.Do(() => link.Settle(0, 0, rejected));
        Assert.Equal(rejected, peer.Expect<Disposition>().State);
        Assert.True(link.IsAttached);
    }

    [Theory]
    [InlineData(Role.Receiver, 1u, null)]
    [InlineData(Role.Receiver, 500u, 600u)]
    [InlineData(Role.Receiver, 0xFFFF_FFFFu, 0xFFFF_FFFFu)]
    [InlineData(Role.Sender, 0u, 0u)]
    [InlineData(Role.Sender, 0u, 0x7FFF_FFFFu)]
    public void Row45_DispositionThatMeansNothingUnsettled_IsIgnored(Role role, uint first, uint? last)
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver();
        peer.Do(() =>
        {
            Assert.True(link.TrySend([1], 0, [1], settled: false));
            Assert.True(link.TrySend([2], 0, [1], settled: true));
        });
        peer.Send(new Disposition { Role = role, First = first, Last = last, Settled = true, State = Accepted.Instance });
        peer.ExpectNoEvent();
        Assert.Equal(1, link.Session.OutgoingUnsettled.Count);
    }

    [Theory]
    [InlineData(5u, 4u)]
    [InlineData(0u, 0xFFFF_FFFFu)]
    [InlineData(0u, 0x8000_0000u)]
    [InlineData(10u, 0x8000_000Au)]
    public void Row45_RangeOfMoreThanHalfOfAllNumbers_Closes(uint first, uint last)
    {
        foreach (var role in new[] { Role.Receiver, Role.Sender })
        {
            var peer = ScriptedPeer.MappedServer();
            peer.Send(new Disposition { Role = role, First = first, Last = last, Settled = true });
            peer.ExpectClose(ErrorCondition.NotAllowed);
        }
    }

    [Fact]
    public void Row45_WidestRangeOverOneDelivery_CostsOneDelivery()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver();
        peer.Do(() => link.TrySend([1], 0, [1], settled: false, token: "one"));
        var disposition = Frames.Frame(new Disposition { Role = Role.Receiver, First = 0, Last = 0x7FFF_FFFF, State = Released.Instance });
        for (var i = 0; i < 10_000; i++)
            Assert.True(peer.Engine.TryReceive(disposition, out _, out _));
        peer.Send(new Disposition { Role = Role.Receiver, First = 0, Last = 0x7FFF_FFFF, Settled = true, State = Accepted.Instance });
        Assert.Equal("one", peer.ExpectEvent(AmqpEventKind.DeliveryUpdated).Token);
        peer.ExpectNoEvent();
    }

    [Fact]
    public void Row45_DeliveryIdsFarApart_CostNoMemoryBetweenThem()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 1_000);
        var frames = Enumerable.Range(0, 100)
            .Select(i => Frames.Frame(new Transfer { Handle = 0, DeliveryId = (uint)i * 20_000_000, DeliveryTag = new[] { (byte)i } }))
            .ToArray();
        var allocated = Wire.AllocatedBytes(() =>
        {
            foreach (var frame in frames)
                peer.Engine.TryReceive(frame, out _, out _);
        });
        Assert.InRange(allocated, 0, 32_000);
        Assert.Equal(100, link.Session.IncomingUnsettled.Count);
    }

    [Fact]
    public void Row46_DeliveryIdsAroundTheEndOfTheirNumbersInATinyWindow_AreRight()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { IncomingWindow = 4 });
        var link = peer.AttachSender();
        foreach (uint id in new uint[] { 0xFFFF_FFFE, 0xFFFF_FFFF, 0, 1 })
        {
            peer.SendTransfer(id, [1]);
            Assert.Equal(id, peer.ExpectEvent(AmqpEventKind.Delivery).DeliveryId);
        }
        peer.Expect<Flow>();
        peer.Expect<Flow>();
        peer.Do(() => link.Settle(0xFFFF_FFFF, 0, Accepted.Instance));
        var run = peer.Expect<Disposition>();
        Assert.Equal((0xFFFF_FFFF, 0u), (run.First, run.Last));
        Assert.Equal(2, link.Session.IncomingUnsettled.Count);
    }

    [Fact]
    public void Row48_Silence_ClosesAtTwiceTheTimeoutAndCutsFiveSecondsLater()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.Advance(240_000);
        peer.ExpectClose(ErrorCondition.ResourceLimitExceeded);
        peer.Advance(5_000);
        Assert.True(peer.Engine.IsEnded);
    }

    [Fact]
    public void Row48_EmptyFrames_AreFreeUpToAThousandASecond()
    {
        var peer = ScriptedPeer.OpenedServer();
        var heartbeat = Frames.Frame([]);
        for (var second = 0; second < 5; second++)
        {
            for (var i = 0; i < 1_000; i++)
                peer.Send(heartbeat);
            peer.Engine.NowMs += 1_000;
        }
        peer.ExpectSilence();
        for (var i = 0; i < 1_001; i++)
            peer.Send(heartbeat);
        peer.ExpectClose(ErrorCondition.ResourceLimitExceeded);
    }

    /// <summary>Rows 49 and 50 need a transport: see the driver's tests. What the engine keeps is bounded all the same.</summary>
    [Fact]
    public void Row49_PeerWithoutAWindow_HoldsBackTheOwnerNotTheBuffer()
    {
        var peer = ScriptedPeer.MappedServer(maxFrameSize: 512, window: 1);
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: 1_000, window: 1);
        peer.Do(() =>
        {
            Assert.True(link.TrySend([1], 0, new byte[100_000], settled: true));
            for (var i = 0; i < 1_000; i++)
                Assert.False(link.TrySend([2], 0, new byte[100_000], settled: true));
            Assert.InRange(peer.Engine.Output.Length, 1, 512);
        });
    }

    [Fact]
    public void Row50_EndOfTheConnection_GivesBackEverythingAtOnce()
    {
        var peer = ScriptedPeer.MappedServer();
        var up = peer.AttachSender("up", 0);
        var down = peer.AttachReceiver("down", 1);
        peer.SendTransfer(0, [1]);
        peer.SendTransfer(1, [1], more: true);
        peer.Do(() => down.TrySend([1], 0, [1], settled: false));
        peer.Do(() => peer.Engine.Close());
        Assert.Equal((0, 0L), (peer.Engine.LinkCount, peer.Engine.PartialBytes));
        Assert.Equal((0, 0), (up.Session.IncomingUnsettled.Count, down.Session.OutgoingUnsettled.Count));
        Assert.True(up.IsDetached && down.IsDetached);
    }
}
