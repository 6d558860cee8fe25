namespace Hubbub.Amqp.Codec;

/// <summary>How much a peer's error takes down, from the smallest to the largest.</summary>
public enum ErrorScope
{
    /// <summary>One delivery: its outcome carries the error.</summary>
    Delivery,

    /// <summary>One link: answered with a detach.</summary>
    Link,

    /// <summary>One session: answered with an end.</summary>
    Session,

    /// <summary>The connection: answered with a close.</summary>
    Connection,
}
