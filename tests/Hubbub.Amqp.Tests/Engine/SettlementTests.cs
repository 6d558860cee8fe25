using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Outcomes and settlement, both directions and all modes (AMQP 2.6.12).</summary>
public sealed class SettlementTests
{
    public static TheoryData<DeliveryState> Outcomes => new((DeliveryState[])
    [
        Accepted.Instance,
        Released.Instance,
        new Rejected { Error = new AmqpError { Condition = ErrorCondition.DecodeError } },
        new Modified { DeliveryFailed = true },
    ]);

    [Theory]
    [MemberData(nameof(Outcomes))]
    public void Settle_InModeFirst_IsTheLastWord(DeliveryState outcome)
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        peer.SendTransfer(0, [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.Do(() => link.Settle(0, 0, outcome));
        var disposition = peer.Expect<Disposition>();
        Assert.Equal((Role.Receiver, 0u, true), (disposition.Role, disposition.First, disposition.Settled));
        Assert.Equal(outcome, disposition.State);
        peer.Do(() => link.Settle(0, 0, outcome));
        peer.ExpectSilence();
        Assert.Equal(0u, link.Outstanding);
    }

    [Fact]
    public void Settle_InModeSecond_IsToldOnceAndForgottenWhenTheSenderSettles()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 4, mode: ReceiverSettleMode.Second);
        peer.SendTransfer(0, [1]);
        peer.SendTransfer(1, [1]);
        peer.Do(() => link.Settle(0, 0, Accepted.Instance));
        Assert.False(peer.Expect<Disposition>().Settled);
        peer.Do(() => link.Settle(0, 0, Accepted.Instance));
        peer.ExpectSilence();
        Assert.Equal((1u, 2), (link.Outstanding, link.Session.IncomingUnsettled.Count));
        // Until the sender has settled, its tag is in use.
        peer.Send(new Disposition { Role = Role.Sender, First = 0, Settled = true, State = Accepted.Instance });
        Assert.Equal(1, link.Session.IncomingUnsettled.Count);
        peer.SendTransfer(2, [1], tag: BitConverter.GetBytes(0));
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        var settled = peer.ExpectEvent(AmqpEventKind.DeliverySettled);
        Assert.Same(link, settled.Link);
        Assert.Equal((0u, (DeliveryState?)Accepted.Instance), (settled.DeliveryId, settled.State));
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.ExpectNoEvent();
    }

    [Fact]
    public void SenderThatSettlesFirst_TakesTheDeliveryOffTheReceiversBooks()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 4);
        peer.SendTransfer(0, [1]);
        peer.SendTransfer(1, [1]);
        peer.SendTransfer(2, [1], more: true);
        peer.Send(new Disposition { Role = Role.Sender, First = 0, Last = 2, Settled = true });
        Assert.Equal(0u, link.Outstanding);
        Assert.Equal(3u, peer.Expect<Flow>().LinkCredit);
        peer.SendTransfer(2, [1]);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        Assert.Equal(0u, peer.ExpectEvent(AmqpEventKind.DeliverySettled).DeliveryId);
        Assert.Equal(1u, peer.ExpectEvent(AmqpEventKind.DeliverySettled).DeliveryId);
        peer.ExpectEvent(AmqpEventKind.Delivery);
        peer.Do(() => link.Settle(0, 2, Accepted.Instance));
        Assert.Equal(2u, peer.Expect<Disposition>().First);
    }

    [Fact]
    public void PreSettled_Deliveries_AreNotTracked()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        peer.SendTransfer(0, [1], settled: true, tag: []);
        peer.SendTransfer(1, [1], settled: true, tag: []);
        Assert.True(peer.ExpectEvent(AmqpEventKind.Delivery).Settled);
        Assert.Equal(0, link.Session.IncomingUnsettled.Count);
        peer.Do(() => link.Settle(0, 1, Accepted.Instance));
        peer.ExpectSilence();
    }

    [Theory]
    [MemberData(nameof(Outcomes))]
    public void Disposition_OfThePeer_ReachesTheOwnerWithItsTokenOnce(DeliveryState outcome)
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver();
        peer.Do(() => link.TrySend([1], 0, [1], settled: false, token: "one"));
        var disposition = new Disposition { Role = Role.Receiver, First = 0, Settled = true, State = outcome };
        peer.Send(disposition);
        peer.Send(disposition);
        var updated = peer.ExpectEvent(AmqpEventKind.DeliveryUpdated);
        Assert.Equal(("one", true, 0u), (updated.Token, updated.RemoteSettled, updated.DeliveryId));
        Assert.Equal(outcome, updated.State);
        Assert.Same(link, updated.Link);
        peer.ExpectNoEvent();
    }

    /// <summary>The C# SDK's way to complete a command: it waits for the settled answer, whatever the outcome.</summary>
    [Fact]
    public void Disposition_InModeSecond_IsSettledByTheOwnersAnswer()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver(mode: ReceiverSettleMode.Second);
        peer.Do(() => link.TrySend(new byte[16], 0, [1], settled: false, token: "one"));
        peer.Expect<Transfer>();
        peer.Send(new Disposition { Role = Role.Receiver, First = 0, State = Released.Instance, Batchable = true });
        var updated = peer.ExpectEvent(AmqpEventKind.DeliveryUpdated);
        Assert.False(updated.RemoteSettled);
        Assert.Equal(1, link.Session.OutgoingUnsettled.Count);
        peer.Do(() => link.Settle(updated.DeliveryId, Accepted.Instance));
        var answer = peer.Expect<Disposition>();
        Assert.Equal((Role.Sender, 0u, true), (answer.Role, answer.First, answer.Settled));
        Assert.Equal(Accepted.Instance, answer.State);
        peer.Do(() => link.Settle(updated.DeliveryId, Accepted.Instance));
        peer.ExpectSilence();
        Assert.Equal(0, link.Session.OutgoingUnsettled.Count);
    }

    [Fact]
    public void Received_TellsAStateAndSettlesNothing()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachReceiver();
        peer.Do(() => link.TrySend([1], 0, [1], settled: false));
        var received = new Received { SectionNumber = 0, SectionOffset = 1 };
        peer.Send(new Disposition { Role = Role.Receiver, First = 0, State = received });
        Assert.Equal(received, peer.ExpectEvent(AmqpEventKind.DeliveryUpdated).State);
        Assert.Equal(1, link.Session.OutgoingUnsettled.Count);
    }

    [Fact]
    public void Ranges_OutOfOrderOverlappingAndWithGaps_GiveEachDeliveryOneOutcome()
    {
        var peer = ScriptedPeer.MappedServer();
        var first = peer.AttachReceiver("first", 0);
        var second = peer.AttachReceiver("second", 1);
        peer.Do(() =>
        {
            for (uint i = 0; i < 20; i++)
            {
                // Settled sends take an id too, so the unsettled ones have gaps.
                var link = i % 3 == 0 ? second : first;
                Assert.True(link.TrySend([(byte)i], 0, [1], settled: i % 5 == 4, token: i));
            }
        });
        foreach (var (from, to) in new (uint, uint)[] { (15, 17), (3, 8), (8, 8), (0, 12), (4, 4), (100, 200), (10, 30) })
            peer.Send(new Disposition { Role = Role.Receiver, First = from, Last = to, Settled = true, State = Accepted.Instance });
        var tokens = new List<uint>();
        for (var i = 0; i < 16; i++)
        {
            var updated = peer.ExpectEvent(AmqpEventKind.DeliveryUpdated);
            Assert.Same((uint)updated.Token! % 3 == 0 ? second : first, updated.Link);
            tokens.Add((uint)updated.Token!);
        }
        peer.ExpectNoEvent();
        Assert.Equal<uint>([0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18], tokens.Order());
        Assert.Equal(0, first.Session.OutgoingUnsettled.Count);
    }

    [Fact]
    public void Settle_OfARangeOfTwoLinks_WritesOnlyRunsOfTheOneThatIsMeant()
    {
        var peer = ScriptedPeer.MappedServer();
        var first = peer.AttachSender("first", 0);
        var second = peer.AttachSender("second", 1);
        foreach (var (id, handle) in new (uint, uint)[] { (0, 0), (1, 0), (2, 1), (3, 0), (5, 0), (6, 1) })
            peer.SendTransfer(id, [1], handle: handle);
        peer.Do(() => first.Settle(0, 6, Accepted.Instance));
        var run = peer.Expect<Disposition>();
        Assert.Equal((0u, 1u), (run.First, run.Last));
        run = peer.Expect<Disposition>();
        Assert.Equal((3u, 5u), (run.First, run.Last));
        peer.ExpectSilence();
        peer.Do(() => second.Settle(0, 6, Accepted.Instance));
        run = peer.Expect<Disposition>();
        Assert.Equal((2u, 6u), (run.First, run.Last));
    }

    /// <summary>
    /// Proton shows its user a delivery when it has read all that came: a range that runs over one which was rejected
    /// just before makes it accepted.
    /// </summary>
    [Fact]
    public void Settle_OfARange_NeverRunsOverADeliveryThatWasToldAnotherOutcome()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("HUBBUB_SEED"), out var given) ? given : Random.Shared.Next();
        var random = new Random(seed);
        var rejected = new Rejected { Error = new AmqpError { Condition = ErrorCondition.DecodeError } };
        for (var round = 0; round < 200; round++)
        {
            var peer = ScriptedPeer.MappedServer();
            var link = peer.AttachSender(credit: 1000);
            var outcomes = new DeliveryState?[random.Next(3, 120)];
            uint sent = 0;
            var told = new List<Disposition>();
            while (outcomes.Any(static outcome => outcome is null))
            {
                for (var burst = random.Next(40); burst > 0 && sent < outcomes.Length; burst--)
                    peer.SendTransfer(sent++, [1]);
                var first = (uint)random.Next((int)sent + 1);
                var last = random.Next(4) == 0 ? sent : first + (uint)random.Next(3);
                DeliveryState outcome = random.Next(2) == 0 ? Accepted.Instance : rejected;
                peer.Do(() => link.Settle(first, last, outcome));
                for (var id = first; id <= last && id < sent; id++)
                    outcomes[id] ??= outcome;
                told.AddRange(peer.TakeAll<Disposition>());
            }
            foreach (var disposition in told)
            {
                for (var id = disposition.First; id <= (disposition.Last ?? disposition.First); id++)
                    Assert.True(outcomes[id] == disposition.State, $"HUBBUB_SEED={seed}, round {round}, delivery {id}");
            }
        }
    }

    /// <summary>uAMQP numbers deliveries by their first transfer.</summary>
    [Fact]
    public void DeliveryIds_WithGaps_AreSettledInOneRange()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender();
        foreach (uint id in new uint[] { 0, 3, 4, 900, 0x7000_0000 })
            peer.SendTransfer(id, [1]);
        peer.Do(() => link.Settle(0, 900, Accepted.Instance));
        var run = peer.Expect<Disposition>();
        Assert.Equal((0u, 900u), (run.First, run.Last));
        peer.Do(() => link.Settle(0x7000_0000, 0x7000_0000, Accepted.Instance));
        peer.Expect<Disposition>();
        Assert.Equal(0, link.Session.IncomingUnsettled.Count);
    }

    [Fact]
    public void Send_OfSettledMessages_IsNotLimitedByWhatIsUnsettled()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { UnsettledMax = 4 }, window: 100_000);
        var held = peer.AttachReceiver("held", 0, credit: 1);
        var link = peer.AttachReceiver("busy", 1, credit: 0);
        peer.SendFlow(handle: 1, deliveryCount: 0, credit: 100_000, window: 200_000);
        peer.Do(() =>
        {
            Assert.True(held.TrySend([1], 0, [1], settled: false, token: "held"));
            for (var i = 0; i < 70_000; i++)
                Assert.True(link.TrySend([1], 0, [], settled: true));
            Assert.True(link.TrySend([1], 0, [1], settled: false, token: "last"));
        });
        peer.Send(new Disposition { Role = Role.Receiver, First = 0, Last = 70_001, Settled = true, State = Accepted.Instance });
        peer.ExpectEvent(AmqpEventKind.LinkFlow);
        Assert.Equal("held", peer.ExpectEvent(AmqpEventKind.DeliveryUpdated).Token);
        Assert.Equal("last", peer.ExpectEvent(AmqpEventKind.DeliveryUpdated).Token);
    }

    [Fact]
    public void OwnerThatActsBetweenTwoEventsOfOneDisposition_DoesNotConfuseIt()
    {
        var peer = ScriptedPeer.MappedServer();
        var first = peer.AttachReceiver("first", 0);
        var second = peer.AttachReceiver("second", 1);
        peer.Do(() =>
        {
            for (uint i = 0; i < 6; i++)
                (i % 2 == 0 ? first : second).TrySend([(byte)i], 0, [1], settled: false, token: i);
        });
        var seen = new List<object?>();
        peer.OnEvent = e =>
        {
            if (e.Kind != AmqpEventKind.DeliveryUpdated)
                return;
            seen.Add(e.Token);
            if (seen.Count == 2)
            {
                second.Detach();
                first.TrySend([99], 0, [1], settled: false, token: 99u);
            }
        };
        peer.Send(new Disposition { Role = Role.Receiver, First = 0, Last = 50, Settled = true, State = Accepted.Instance });
        // What was sent meanwhile lies in the range that the peer named, though it cannot have meant it.
        Assert.Equal([0u, 1u, 2u, 4u], seen.Take(4));
        Assert.DoesNotContain(3u, seen);
    }
}
