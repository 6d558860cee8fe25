using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Kafka;

/// <summary>Makes the sinks of Kafka endpoints.</summary>
public sealed class KafkaSinkFactory : IEndpointSinkFactory
{
    public bool CanCreate(SinkOptions options) => options is KafkaOptions;

    public IEndpointSink Create(string endpointName, SinkOptions options) =>
        new KafkaSink(endpointName, (KafkaOptions)options);
}
