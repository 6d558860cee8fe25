using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Engine;
using Hubbub.Amqp.Tests.Simulation;

namespace Hubbub.Amqp.Tests.Fuzz;

/// <summary>Valid byte streams of clients, as lists of frames: recorded ones and hand-made ones.</summary>
internal static class EngineCorpus
{
    private const int RecordedBytesMax = 30_000;

    /// <summary>What the hub's engine received in short simulations.</summary>
    public static IEnumerable<List<byte[]>> Recorded(int first, int count)
    {
        for (var seed = first; seed < first + count; seed++)
        {
            var simulation = new PairSimulation(seed);
            simulation.Run(500);
            yield return SplitFrames(simulation.Hub.Recording.Take(RecordedBytesMax).ToArray());
        }
    }

    public static IEnumerable<List<byte[]>> HandMade()
    {
        byte[][] opening = [Frames.AmqpHeader, Frames.Frame(new Open { ContainerId = "c", IdleTimeOut = 60_000 }), Begin(0)];
        yield return [Frames.SaslHeader, Frames.Frame(new SaslInit { Mechanism = "PLAIN", InitialResponse = "\0a\0b"u8.ToArray() }), .. opening];
        yield return [.. opening, .. Links(), .. Telemetry(), .. Pieces(), .. Flows(), .. Dispositions(), .. Ends()];
        yield return [.. opening, Begin(1), Begin(8_191), .. Links(), .. Flows(), .. Telemetry(), .. Ends()];
        yield return [.. opening, .. Links(), .. Pieces(), .. Telemetry(), .. Dispositions(), .. Dispositions(), .. Telemetry()];
    }

    public static List<byte[]> SplitFrames(byte[] stream)
    {
        var frames = new List<byte[]>();
        while (stream.Length >= 8)
        {
            var size = stream.AsSpan().StartsWith("AMQP"u8) ? 8 : FrameReader.BytesNeeded(stream, uint.MaxValue);
            if (size > stream.Length)
                break;
            frames.Add(stream[..size]);
            stream = stream[size..];
        }
        return frames;
    }

    private static byte[] Begin(ushort channel) =>
        Frames.Frame(new Begin { NextOutgoingId = 1, IncomingWindow = 100, OutgoingWindow = 100, HandleMax = 20 }, channel);

    private static IEnumerable<byte[]> Links()
    {
        var properties = new AmqpMapBuilder().Add("com.microsoft:client-version", "x").Add("n", 5u).Build();
        yield return Frames.Frame(ScriptedPeer.SenderAttach("up", 0) with { Properties = properties });
        yield return Frames.Frame(ScriptedPeer.ReceiverAttach("down", 1) with { DesiredCapabilities = ["a", "b"] });
        yield return Frames.Frame(ScriptedPeer.SenderAttach("second", 2) with { RcvSettleMode = ReceiverSettleMode.Second });
        yield return Frames.Frame(ScriptedPeer.ReceiverAttach("queue", 3) with { RcvSettleMode = ReceiverSettleMode.Second });
        yield return Frames.Frame(ScriptedPeer.SenderAttach("coordinator", 4) with { Target = new Coordinator() });
        yield return Frames.Frame(ScriptedPeer.SenderAttach("resumed", 5) with { IncompleteUnsettled = true });
    }

    private static IEnumerable<byte[]> Telemetry()
    {
        for (uint id = 0; id < 6; id++)
        {
            yield return Frames.Frame(
                new Transfer { Handle = id % 2 * 2, DeliveryId = id, DeliveryTag = BitConverter.GetBytes(id), Settled = id % 3 == 0 },
                0,
                new byte[id * 10]);
        }
    }

    private static IEnumerable<byte[]> Pieces()
    {
        for (uint piece = 0; piece < 5; piece++)
        {
            yield return Frames.Frame(
                new Transfer
                {
                    Handle = 0,
                    DeliveryId = 50,
                    DeliveryTag = piece == 0 ? new byte[] { 9 } : (ReadOnlyMemory<byte>?)null,
                    More = piece < 4,
                },
                0,
                new byte[300]);
        }
        yield return Frames.Frame(new Transfer { Handle = 0, DeliveryId = 60, DeliveryTag = new byte[] { 10 }, More = true }, 0, [1]);
        yield return Frames.Frame(new Transfer { Handle = 0, Aborted = true });
    }

    private static IEnumerable<byte[]> Flows()
    {
        foreach (var (handle, credit, drain, echo) in new (uint?, uint?, bool, bool)[]
        {
            (null, null, false, true), (1, 10, false, false), (1, uint.MaxValue, false, true),
            (3, 5, false, false), (1, 3, true, false), (0, 0, false, true),
        })
        {
            yield return Frames.Frame(new Flow
            {
                NextIncomingId = 1,
                IncomingWindow = 50,
                NextOutgoingId = 1,
                OutgoingWindow = 50,
                Handle = handle,
                DeliveryCount = 0,
                LinkCredit = credit,
                Drain = drain,
                Echo = echo,
            });
        }
    }

    private static IEnumerable<byte[]> Dispositions()
    {
        foreach (var state in new DeliveryState?[]
        {
            Accepted.Instance,
            Released.Instance,
            new Rejected { Error = new AmqpError { Condition = "a:b", Description = "c" } },
            new Modified { UndeliverableHere = true },
            new Received { SectionNumber = 1, SectionOffset = 2 },
            null,
        })
        {
            yield return Frames.Frame(new Disposition { Role = Role.Receiver, First = 0, Last = 3, Settled = state is null, State = state });
            yield return Frames.Frame(new Disposition { Role = Role.Sender, First = 1, Settled = true, State = state });
        }
    }

    private static IEnumerable<byte[]> Ends()
    {
        yield return Frames.Frame(new Detach { Handle = 0, Closed = true, Error = new AmqpError { Condition = "a:b" } });
        yield return Frames.Frame(new Detach { Handle = 3 });
        yield return Frames.Frame(new End { Error = new AmqpError { Condition = "a:b", Description = "d" } });
        yield return Begin(0);
        yield return Frames.Frame(new Close());
    }
}
