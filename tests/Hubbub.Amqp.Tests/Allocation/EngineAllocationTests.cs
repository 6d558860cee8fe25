using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;
using Hubbub.Amqp.Tests.Engine;

namespace Hubbub.Amqp.Tests.Allocation;

/// <summary>In steady state a frame costs no memory, in either direction.</summary>
public sealed class EngineAllocationTests
{
    private const int Rounds = 1_000;

    [Fact]
    public void TransferDeliverySettleDisposition_InSteadyState_AllocateNothing()
    {
        var peer = ScriptedPeer.MappedServer();
        peer.AttachSender(credit: 500);
        var frames = Enumerable.Range(0, 4 * Rounds)
            .Select(i => Frames.Frame(
                new Transfer { Handle = 0, DeliveryId = (uint)i, DeliveryTag = BitConverter.GetBytes(i), Settled = false }, 0, new byte[300]))
            .ToArray();
        var next = 0;
        AssertFree(() =>
        {
            peer.Engine.Output.Clear();
            Receive(peer.Engine, frames[next++], AmqpEventKind.Delivery, out var e);
            if (next % 32 == 0)
                ((ReceiverLink)e.Link!).Settle((uint)next - 32, (uint)next - 1, Accepted.Instance);
        });
    }

    [Fact]
    public void MessageInSeveralFrames_InSteadyState_AllocatesNothing()
    {
        var peer = ScriptedPeer.MappedServer();
        var link = peer.AttachSender(credit: 500);
        var transfer = new Transfer { Handle = 0, Settled = true, DeliveryTag = Array.Empty<byte>() };
        var frames = Enumerable.Range(0, 4 * Rounds)
            .SelectMany(i => new[] { true, true, false }.Select(
                more => Frames.Frame(transfer with { DeliveryId = (uint)i, More = more }, 0, new byte[2_000])))
            .ToArray();
        var next = 0;
        AssertFree(() =>
        {
            peer.Engine.Output.Clear();
            peer.Engine.TryReceive(frames[next++], out _, out _);
            peer.Engine.TryReceive(frames[next++], out _, out _);
            Receive(peer.Engine, frames[next++], AmqpEventKind.Delivery, out var e);
            Assert.True(e.Delivery.Payload.Length == 6_000);
            link.Release(1);
        });
    }

    [Fact]
    public void Flow_WithCreditAndEcho_AllocatesNothing()
    {
        var peer = ScriptedPeer.MappedServer(new AmqpLimits { EchoesPerSecondMax = int.MaxValue });
        peer.AttachReceiver();
        var frame = Frames.Frame(new Flow
        {
            NextIncomingId = 1,
            IncomingWindow = 5,
            NextOutgoingId = 1,
            OutgoingWindow = 5,
            Handle = 0,
            DeliveryCount = 0,
            LinkCredit = 9,
            Echo = true,
        });
        AssertFree(() =>
        {
            peer.Engine.Output.Clear();
            Receive(peer.Engine, frame, AmqpEventKind.LinkFlow, out _);
            Assert.True(peer.Engine.Output.Length > 0);
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SendAndItsDisposition_InSteadyState_AllocateNothing(bool settled)
    {
        var peer = ScriptedPeer.MappedServer(window: uint.MaxValue);
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: uint.MaxValue, window: uint.MaxValue);
        var message = new byte[300];
        var dispositions = Enumerable.Range(0, 4 * Rounds)
            .Select(i => Frames.Frame(new Disposition { Role = Role.Receiver, First = (uint)i, Settled = true, State = Accepted.Instance }))
            .ToArray();
        var next = 0;
        var token = new object();
        AssertFree(() =>
        {
            peer.Engine.Output.Clear();
            Span<byte> tag = stackalloc byte[4];
            BitConverter.TryWriteBytes(tag, next);
            var start = link.BeginMessage(tag, 0, settled);
            peer.Engine.Output.Write(message);
            link.EndMessage(start, token);
            if (settled)
                return;
            Receive(peer.Engine, dispositions[next++], AmqpEventKind.DeliveryUpdated, out var e);
            Assert.True(e.Token == token);
        });
    }

    [Fact]
    public void SplitMessage_InSteadyState_AllocatesNothing()
    {
        var peer = ScriptedPeer.MappedServer(maxFrameSize: 4_096, window: uint.MaxValue);
        var link = peer.AttachReceiver(credit: 0);
        peer.SendFlow(handle: 0, deliveryCount: 0, credit: uint.MaxValue, window: uint.MaxValue);
        var message = new byte[20_000];
        AssertFree(() =>
        {
            peer.Engine.Output.Clear();
            Assert.True(link.TrySend([1], 0, message, settled: true));
        });
    }

    [Fact]
    public void HeartbeatAndTick_AllocateNothing()
    {
        var peer = ScriptedPeer.MappedServer();
        var frame = Frames.Frame([]);
        AssertFree(() =>
        {
            peer.Engine.Output.Clear();
            peer.Engine.NowMs += 60_000;
            peer.Engine.TryReceive(frame, out _, out _);
            peer.Engine.Tick();
            Assert.True(peer.Engine.Output.Length == 8);
        });
    }

    private static void Receive(AmqpConnection engine, byte[] frame, AmqpEventKind kind, out AmqpEvent e)
    {
        if (!engine.TryReceive(frame, out _, out e) || e.Kind != kind)
            throw new InvalidOperationException($"{kind} was expected, and there was {e.Kind}: {e.Error}");
    }

    private static void AssertFree(Action action)
    {
        for (var i = 0; i < Rounds; i++)
            action();
        var allocated = Wire.LeastAllocatedBytes(() =>
        {
            for (var i = 0; i < Rounds; i++)
                action();
        });
        Assert.Equal(0, allocated);
    }
}
