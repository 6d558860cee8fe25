using BenchmarkDotNet.Attributes;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Benchmarks;

/// <summary>Taking a message apart, beside AMQPNetLite decoding it.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class MessageBenchmarks
{
    private readonly byte[] _bare = new OutgoingMessage { Data = new byte[256] }.ToArray();

    private readonly byte[] _telemetry = new OutgoingMessage
    {
        Properties = new Properties
        {
            MessageId = AmqpValue.From("5e7ccf0e-3f2b-4c31-9a52-8a6f0a6c2f10"),
            ContentType = "application/json",
            ContentEncoding = "utf-8",
        },
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
            .Add("temperatureAlert", "false").Add("building", "43").Add("sequence", 1_234).Build(),
        Data = new byte[256],
    }.ToArray();

    [Benchmark(Description = "Hubbub"), BenchmarkCategory("data only")]
    public bool Bare() => MessageSections.TryRead(_bare, SectionOrder.Strict, out _, out _);

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("data only")]
    public object BareTheirs() => Theirs(_bare);

    [Benchmark(Description = "Hubbub"), BenchmarkCategory("with properties")]
    public bool Telemetry() => MessageSections.TryRead(_telemetry, SectionOrder.Strict, out _, out _);

    [Benchmark(Description = "AMQPNetLite", Baseline = true), BenchmarkCategory("with properties")]
    public object TelemetryTheirs() => Theirs(_telemetry);

    private static global::Amqp.Message Theirs(byte[] bytes) =>
        global::Amqp.Message.Decode(new global::Amqp.ByteBuffer(bytes, 0, bytes.Length, bytes.Length));
}
