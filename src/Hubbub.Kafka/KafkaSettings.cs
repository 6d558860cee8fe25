using Confluent.Kafka;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Kafka;

/// <summary>How the producer of an endpoint is set up.</summary>
internal static class KafkaSettings
{
    public static ProducerConfig Of(KafkaOptions options)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = options.BootstrapServers,
            ClientId = "hubbub",
            // A record counts as delivered when every replica in sync has it; one that is sent twice is kept once.
            Acks = Acks.All,
            EnableIdempotence = true,
            // The dispatcher repeats what is not done in time, and remembers that over a restart.
            MessageTimeoutMs = (int)options.Timeout.TotalMilliseconds,
            LingerMs = 5,
            QueueBufferingMaxMessages = DispatchLimits.BatchCountMax,
            // As Kafka's own client does it, so that a key's records from elsewhere meet them in the same partition.
            Partitioner = Partitioner.Murmur2Random,
            AllowAutoCreateTopics = false,
            SecurityProtocol = (options.UsesTls, options.UserName) switch
            {
                (true, null) => SecurityProtocol.Ssl,
                (true, _) => SecurityProtocol.SaslSsl,
                _ => SecurityProtocol.Plaintext,
            },
        };
        if (options.CaCertificates is { } pem)
            config.SslCaPem = pem;
        if (options.UserName is { } user)
        {
            config.SaslMechanism = SaslMechanism.Plain;
            config.SaslUsername = user;
            config.SaslPassword = options.Password!.Reveal();
        }
        return config;
    }
}
