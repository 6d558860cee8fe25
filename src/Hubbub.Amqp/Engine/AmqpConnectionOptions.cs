using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>What an engine needs to know when it starts.</summary>
public sealed record AmqpConnectionOptions
{
    /// <summary>Server or client.</summary>
    public required ConnectionRole Role { get; init; }

    /// <summary>
    /// This side's open. Frame size, channel-max and idle-time-out are taken from <see cref="Limits"/>.
    /// </summary>
    public required Open LocalOpen { get; init; }

    /// <summary>The bounds.</summary>
    public AmqpLimits Limits { get; init; } = AmqpLimits.Default;

    /// <summary>Server: the mechanisms offered, in this order.</summary>
    public Symbol[] SaslMechanisms { get; init; } = [];

    /// <summary>
    /// Server: refuse a bare AMQP header. Some clients send no SASL at all and prove who they are by CBS.
    /// </summary>
    public bool SaslRequired { get; init; }

    /// <summary>Client: the mechanism to use; null sends a bare AMQP header.</summary>
    public SaslInit? SaslInit { get; init; }

    /// <summary>Milliseconds on the owner's monotonic clock at which the connection began.</summary>
    public long StartedMs { get; init; }

    /// <summary>First transfer-id of each session; tests start just before the numbers wrap around.</summary>
    internal uint FirstTransferId { get; init; } = 1;

    /// <summary>First delivery-id of each session; tests start just before the numbers wrap around.</summary>
    internal uint FirstDeliveryId { get; init; }
}
