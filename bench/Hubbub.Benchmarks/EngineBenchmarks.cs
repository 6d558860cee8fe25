using System.Diagnostics;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Benchmarks;

/// <summary>
/// What a message costs in the engine, both directions, without I/O: a stopwatch around a steady state, because each
/// round needs frames with fresh delivery-ids.
/// </summary>
internal static class EngineBenchmarks
{
    private const int Messages = 1_000;
    private const int Rounds = 300;
    private static readonly byte[] Payload = new byte[300];

    public static int Run()
    {
        Print("receive 300 B, unsettled, settled by ranges of 100", () => Receive(settled: false, settleEach: 100));
        Print("receive 300 B, unsettled, settled one by one", () => Receive(settled: false, settleEach: 1));
        Print("receive 300 B, settled", () => Receive(settled: true, settleEach: 100));
        Print("send 300 B, unsettled, dispositions of 100", () => Send(settled: false));
        Print("send 300 B, settled", () => Send(settled: true));
        return 0;
    }

    private static void Print(string what, Func<(double Best, double Median)> measure)
    {
        measure();
        var (best, median) = measure();
        Console.WriteLine($"{what,-55} best {best,6:F1} ns, median {median,6:F1} ns a message");
    }

    private static (double Best, double Median) Receive(bool settled, int settleEach)
    {
        var engine = Attached(Role.Sender);
        var input = new ByteBuffer();
        uint id = 0;
        return Measure(
            () =>
            {
                input.Clear();
                for (var i = 0u; i < Messages; i++)
                    WriteTransfer(input, id + i, settled);
            },
            () =>
            {
                engine.Output.Clear();
                var rest = input.WrittenMemory;
                var count = 0;
                while (engine.TryReceive(rest, out var consumed, out var e))
                {
                    rest = rest[consumed..];
                    id++;
                    if (++count % settleEach != 0)
                        continue;
                    var link = (ReceiverLink)e.Link!;
                    if (settled)
                        link.Release((uint)settleEach);
                    else
                        link.Settle(id - (uint)settleEach, id - 1, Accepted.Instance);
                }
                if (count != Messages)
                    throw new InvalidOperationException($"{count} messages came.");
            });
    }

    private static (double Best, double Median) Send(bool settled)
    {
        var engine = Attached(Role.Receiver);
        var link = (SenderLink)engine.Sessions.Single().Links.Single();
        var dispositions = new ByteBuffer();
        var token = new object();
        uint id = 0;
        return Measure(
            () =>
            {
                dispositions.Clear();
                for (var i = 0u; i < Messages && !settled; i += 100)
                {
                    var first = id + i;
                    WriteFrame(dispositions, (ref w) => new Disposition
                    {
                        Role = Role.Receiver,
                        First = first,
                        Last = first + 99,
                        Settled = true,
                        State = Accepted.Instance,
                    }.Write(ref w));
                }
            },
            () =>
            {
                engine.Output.Clear();
                Span<byte> tag = stackalloc byte[4];
                for (var i = 0; i < Messages; i++)
                {
                    BitConverter.TryWriteBytes(tag, id++);
                    var start = link.BeginMessage(tag, 0, settled);
                    engine.Output.Write(Payload);
                    link.EndMessage(start, token);
                }
                var rest = dispositions.WrittenMemory;
                while (engine.TryReceive(rest, out var consumed, out _))
                    rest = rest[consumed..];
            });
    }

    private static (double Best, double Median) Measure(Action prepare, Action action)
    {
        var times = new List<double>(Rounds);
        for (var i = 0; i < Rounds; i++)
        {
            prepare();
            var started = Stopwatch.GetTimestamp();
            action();
            times.Add(Stopwatch.GetElapsedTime(started).TotalNanoseconds / Messages);
        }
        times.Sort();
        return (times[0], times[Rounds / 2]);
    }

    /// <summary>A hub's engine with one link, whose peer has this role.</summary>
    private static AmqpConnection Attached(Role role)
    {
        var engine = new AmqpConnection(new AmqpConnectionOptions
        {
            Role = ConnectionRole.Server,
            LocalOpen = new Open { ContainerId = "hub" },
        });
        var input = new ByteBuffer();
        input.Write(ProtocolHeader.Amqp);
        WriteFrame(input, (ref w) => new Open { ContainerId = "device" }.Write(ref w));
        var begin = new Begin { NextOutgoingId = 0, IncomingWindow = uint.MaxValue, OutgoingWindow = 1 };
        WriteFrame(input, begin.Write);
        WriteFrame(input, new Attach { Name = "link", Handle = 0, Role = role, InitialDeliveryCount = 0 }.Write);
        if (role == Role.Receiver)
        {
            WriteFrame(input, (ref w) => new Flow
            {
                NextIncomingId = 1,
                IncomingWindow = uint.MaxValue,
                NextOutgoingId = 0,
                OutgoingWindow = 1,
                Handle = 0,
                DeliveryCount = 0,
                LinkCredit = uint.MaxValue,
            }.Write(ref w));
        }
        var rest = input.WrittenMemory;
        while (engine.TryReceive(rest, out var consumed, out var e))
        {
            rest = rest[consumed..];
            if (e.Kind == AmqpEventKind.Opened)
                engine.AcceptOpen();
            if (e.Kind != AmqpEventKind.LinkAttached)
                continue;
            e.Link!.Accept(new Attach { Name = "", Handle = 0, Role = e.Link.Role });
            (e.Link as ReceiverLink)?.Grant(2 * Messages);
        }
        return engine;
    }

    private static void WriteTransfer(ByteBuffer buffer, uint id, bool settled)
    {
        var tag = BitConverter.GetBytes(id);
        var start = FrameWriter.Begin(buffer, FrameType.Amqp, 0);
        var writer = new AmqpWriter(buffer);
        var transfer = new Transfer { Handle = 0, DeliveryId = id, DeliveryTag = tag, Settled = settled };
        transfer.Write(ref writer);
        buffer.Write(Payload);
        FrameWriter.End(buffer, start);
    }

    private delegate void WriteAction(ref AmqpWriter writer);

    private static void WriteFrame(ByteBuffer buffer, WriteAction write)
    {
        var start = FrameWriter.Begin(buffer, FrameType.Amqp, 0);
        var writer = new AmqpWriter(buffer);
        write(ref writer);
        FrameWriter.End(buffer, start);
    }
}
