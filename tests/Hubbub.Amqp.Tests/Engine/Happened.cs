using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>An event with copies of what it lent.</summary>
internal sealed record Happened(
    AmqpEventKind Kind,
    AmqpSession? Session,
    AmqpLink? Link,
    AmqpError? Error,
    bool ByPeer,
    uint DeliveryId,
    bool Settled,
    byte[] Tag,
    byte[] Payload,
    object? Token,
    DeliveryState? State,
    bool RemoteSettled,
    SaslInit? SaslInit)
{
    public static Happened From(in AmqpEvent e) => new(
        e.Kind,
        e.Session,
        e.Link,
        e.Error,
        e.ByPeer,
        e.Delivery.Id,
        e.Delivery.Settled,
        e.Delivery.Tag.ToArray(),
        e.Delivery.Payload.ToArray(),
        e.Token,
        e.State,
        e.RemoteSettled,
        e.SaslInit);
}
