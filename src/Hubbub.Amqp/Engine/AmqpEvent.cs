using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>What happened; the comment says which fields of <see cref="AmqpEvent"/> are set.</summary>
public enum AmqpEventKind : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>
    /// Server: the client chose a mechanism (<see cref="AmqpEvent.SaslInit"/>). Input stops until
    /// <see cref="AmqpConnection.CompleteSasl"/> is called.
    /// </summary>
    SaslInit,

    /// <summary>
    /// The peer's open has come (<see cref="AmqpConnection.RemoteOpen"/>); a server answers with Open or Close.
    /// </summary>
    Opened,

    /// <summary>A session is mapped on both sides (<see cref="AmqpEvent.Session"/>).</summary>
    SessionBegan,

    /// <summary>
    /// The peer attached a link (<see cref="AmqpEvent.Link"/>). When the peer began it, answer with Accept or Refuse
    /// before the next input; when this side did, the link is up.
    /// </summary>
    LinkAttached,

    /// <summary>
    /// The peer's flow changed the credit or the drain flag of a sender link, or ended the drain of a receiver link.
    /// </summary>
    LinkFlow,

    /// <summary>
    /// The session's window, or its room for unsettled deliveries, was shut and is open: its senders may go on
    /// (<see cref="AmqpEvent.Session"/>).
    /// </summary>
    WindowOpened,

    /// <summary>A whole message has come on a receiver link (<see cref="AmqpEvent.Delivery"/>).</summary>
    Delivery,

    /// <summary>The peer told the state of a delivery that this side sent (Token, State, RemoteSettled).</summary>
    DeliveryUpdated,

    /// <summary>
    /// The peer settled a delivery that this side received and has not settled: a sender answers so the outcome that it
    /// was told on rcv-settle-mode second (AMQP 2.6.12), or has not waited for one (Delivery.Id, State).
    /// </summary>
    DeliverySettled,

    /// <summary>
    /// The peer detached a link, or answered our detach; the link is gone (Error tells why, if it does).
    /// </summary>
    LinkDetached,

    /// <summary>A session is over, with all its links (Error tells why, if the peer ended it with one).</summary>
    SessionEnded,

    /// <summary>The connection is over: the peer closed it, or it broke the protocol (Error, ByPeer).</summary>
    Closed,
}

/// <summary>
/// One event of a connection. Memory in it is valid until the next call of <see cref="AmqpConnection.TryReceive"/>.
/// </summary>
public struct AmqpEvent
{
    /// <summary>What happened.</summary>
    public AmqpEventKind Kind;

    /// <summary>DeliveryUpdated: the peer has settled.</summary>
    public bool RemoteSettled;

    /// <summary>Closed, SessionEnded, LinkDetached: the peer began it.</summary>
    public bool ByPeer;

    /// <summary>The session concerned.</summary>
    public AmqpSession? Session;

    /// <summary>The link concerned.</summary>
    public AmqpLink? Link;

    /// <summary>SaslInit: mechanism and response.</summary>
    public SaslInit? SaslInit;

    /// <summary>Why a link, a session or the connection ended; null when it ended in peace.</summary>
    public AmqpError? Error;

    /// <summary>DeliveryUpdated: what was given to <see cref="SenderLink.TrySend"/>.</summary>
    public object? Token;

    /// <summary>DeliveryUpdated, DeliverySettled: the peer's outcome.</summary>
    public DeliveryState? State;

    /// <summary>Delivery: the message.</summary>
    public IncomingDelivery Delivery;
}

/// <summary>One message as it came.</summary>
public readonly struct IncomingDelivery
{
    /// <summary>The session's number of it.</summary>
    public required uint Id { get; init; }

    /// <summary>message-format; 0 is the standard one.</summary>
    public required uint MessageFormat { get; init; }

    /// <summary>True when the sender wants no disposition.</summary>
    public required bool Settled { get; init; }

    /// <summary>The sender's tag, at most 32 bytes.</summary>
    public required ReadOnlyMemory<byte> Tag { get; init; }

    /// <summary>The encoded message, all transfers joined.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }
}
