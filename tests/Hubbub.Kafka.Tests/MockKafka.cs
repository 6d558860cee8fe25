using Confluent.Kafka;

namespace Hubbub.Kafka.Tests;

/// <summary>The brokers that librdkafka itself can play; a process's own, on loopback.</summary>
internal sealed class MockKafka : IDisposable
{
    private readonly IProducer<Null, Null> _owner;

    public MockKafka(int brokers)
    {
        var config = new ProducerConfig { BootstrapServers = "unused:1", AllowAutoCreateTopics = true };
        config.Set("test.mock.num.brokers", brokers.ToString(System.Globalization.CultureInfo.InvariantCulture));
        _owner = new ProducerBuilder<Null, Null>(config).SetLogHandler(static (_, _) => { }).Build();
        using var admin = new DependentAdminClientBuilder(_owner.Handle).Build();
        var metadata = admin.GetMetadata(TimeSpan.FromSeconds(20));
        BootstrapServers = string.Join(',', metadata.Brokers.Select(static broker => $"{broker.Host}:{broker.Port}"));
    }

    public string BootstrapServers { get; }

    /// <summary>Makes a topic of four partitions: the mock does so when somebody asks for it who may.</summary>
    public void CreateTopic(string topic)
    {
        using var admin = new DependentAdminClientBuilder(_owner.Handle).Build();
        Assert.Equal(4, admin.GetMetadata(topic, TimeSpan.FromSeconds(20)).Topics[0].Partitions.Count);
    }

    /// <summary>Reads so many records of a topic, partition by partition as they come.</summary>
    public List<ConsumeResult<byte[], byte[]>> Read(string topic, int count)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = BootstrapServers,
            GroupId = "test",
            AutoOffsetReset = AutoOffsetReset.Earliest,
            EnableAutoCommit = false,
        };
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler(static (_, _) => { }).Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var partitions = admin.GetMetadata(topic, TimeSpan.FromSeconds(20)).Topics[0].Partitions;
        consumer.Assign(partitions.Select(p => new TopicPartitionOffset(topic, p.PartitionId, Offset.Beginning)));
        var results = new List<ConsumeResult<byte[], byte[]>>();
        while (results.Count < count && consumer.Consume(TimeSpan.FromSeconds(10)) is { } result)
            results.Add(result);
        consumer.Close();
        return results;
    }

    public void Dispose() => _owner.Dispose();
}
