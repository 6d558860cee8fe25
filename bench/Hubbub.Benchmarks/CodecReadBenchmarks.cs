using System.Runtime.CompilerServices;
using BenchmarkDotNet.Attributes;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Encoder = global::Amqp.Types.Encoder;

namespace Hubbub.Benchmarks;

/// <summary>Reading performatives, beside AMQPNetLite reading the same bytes.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class CodecReadBenchmarks
{
    private readonly byte[] _transfer = Samples.Encode(static (ref w) => Samples.Transfer.Write(ref w));
    private readonly byte[] _flow = Samples.Encode(static (ref w) => Samples.Flow.Write(ref w));
    private readonly byte[] _disposition = Samples.Encode(static (ref w) => Samples.Disposition.Write(ref w));
    private readonly byte[] _attach = Samples.Encode(static (ref w) => Samples.Attach.Write(ref w));

    [GlobalSetup]
    public void Setup()
    {
        // The library registers its types in this class, which the first frame of a connection touches.
        var codec = typeof(Encoder).Assembly.GetType("Amqp.Framing.Codec", throwOnError: true)!;
        RuntimeHelpers.RunClassConstructor(codec.TypeHandle);
        if (Theirs(_transfer) is not global::Amqp.Framing.Transfer)
            throw new InvalidOperationException("AMQPNetLite does not read its own types");
    }

    [Benchmark(Description = "Hubbub"), BenchmarkCategory("read transfer")]
    public uint Transfer()
    {
        var reader = new AmqpReader(_transfer);
        reader.ReadDescriptor();
        return Hubbub.Amqp.Performatives.Transfer.Read(ref reader).Handle;
    }

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("read transfer")]
    public object TransferTheirs() => Theirs(_transfer);

    [Benchmark(Description = "Hubbub"), BenchmarkCategory("read flow")]
    public uint Flow()
    {
        var reader = new AmqpReader(_flow);
        reader.ReadDescriptor();
        return Hubbub.Amqp.Performatives.Flow.Read(ref reader).IncomingWindow;
    }

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("read flow")]
    public object FlowTheirs() => Theirs(_flow);

    [Benchmark(Description = "Hubbub"), BenchmarkCategory("read disposition")]
    public uint Disposition()
    {
        var reader = new AmqpReader(_disposition);
        reader.ReadDescriptor();
        return Hubbub.Amqp.Performatives.Disposition.Read(ref reader).First;
    }

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("read disposition")]
    public object DispositionTheirs() => Theirs(_disposition);

    [Benchmark(Description = "Hubbub"), BenchmarkCategory("read attach")]
    public Attach Attach()
    {
        var reader = new AmqpReader(_attach);
        reader.ReadDescriptor();
        return Hubbub.Amqp.Performatives.Attach.Read(ref reader);
    }

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("read attach")]
    public object AttachTheirs() => Theirs(_attach);

    private static object Theirs(byte[] bytes)
    {
        var buffer = new global::Amqp.ByteBuffer(bytes, 0, bytes.Length, bytes.Length);
        return Encoder.ReadObject(buffer);
    }
}
