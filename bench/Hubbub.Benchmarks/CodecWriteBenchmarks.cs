using BenchmarkDotNet.Attributes;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Benchmarks;

/// <summary>Writing performatives, beside AMQPNetLite writing the same fields.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class CodecWriteBenchmarks
{
    private readonly ByteBuffer _buffer = new();
    private readonly global::Amqp.ByteBuffer _theirs = new(1024, autoGrow: true);
    private readonly byte[] _tag = [1, 2, 3, 4];

    /// <summary>The fields are set and written, as for every message sent.</summary>
    [Benchmark(Description = "Hubbub"), BenchmarkCategory("write transfer")]
    public int Transfer()
    {
        _buffer.Clear();
        var writer = new AmqpWriter(_buffer);
        new Transfer { Handle = 3, DeliveryId = 70_000, DeliveryTag = _tag, MessageFormat = 0, Settled = true }
            .Write(ref writer);
        return _buffer.Length;
    }

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("write transfer")]
    public int TransferTheirs() => Theirs(new global::Amqp.Framing.Transfer
    {
        Handle = 3,
        DeliveryId = 70_000,
        DeliveryTag = _tag,
        MessageFormat = 0,
        Settled = true,
    });

    [Benchmark(Description = "Hubbub"), BenchmarkCategory("write flow")]
    public int Flow()
    {
        _buffer.Clear();
        var writer = new AmqpWriter(_buffer);
        new Flow
        {
            NextIncomingId = 70_000,
            IncomingWindow = 2_048,
            NextOutgoingId = 3,
            OutgoingWindow = 2_048,
            Handle = 3,
            DeliveryCount = 70_000,
            LinkCredit = 1_000,
        }.Write(ref writer);
        return _buffer.Length;
    }

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("write flow")]
    public int FlowTheirs() => Theirs(new global::Amqp.Framing.Flow
    {
        NextIncomingId = 70_000,
        IncomingWindow = 2_048,
        NextOutgoingId = 3,
        OutgoingWindow = 2_048,
        Handle = 3,
        DeliveryCount = 70_000,
        LinkCredit = 1_000,
    });

    [Benchmark(Description = "Hubbub"), BenchmarkCategory("write disposition")]
    public int Disposition()
    {
        _buffer.Clear();
        var writer = new AmqpWriter(_buffer);
        new Disposition
        {
            Role = Role.Receiver,
            First = 70_000,
            Last = 70_100,
            Settled = true,
            State = Accepted.Instance,
        }.Write(ref writer);
        return _buffer.Length;
    }

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("write disposition")]
    public int DispositionTheirs() => Theirs(new global::Amqp.Framing.Dispose
    {
        Role = true,
        First = 70_000,
        Last = 70_100,
        Settled = true,
        State = new global::Amqp.Framing.Accepted(),
    });

    private int Theirs(global::Amqp.Types.Described value)
    {
        _theirs.Reset();
        global::Amqp.Types.Encoder.WriteObject(_theirs, value);
        return _theirs.Length;
    }
}
