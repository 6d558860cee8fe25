using System.Buffers.Binary;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>The two nodes that answer requests.</summary>
internal enum RequestNode
{
    Cbs,
    Management,
}

/// <summary>
/// The link on which a node's replies go back. Replies wait for credit, since some clients ask before they grant any.
/// </summary>
internal sealed class ReplyEndpoint(HubConnection connection, SenderLink link, RequestNode node)
    : LinkEndpoint(connection, link)
{
    private readonly Queue<byte[]> _waiting = new(0);
    private uint _tag;

    public RequestNode Node { get; } = node;

    /// <summary>
    /// Finds where a reply goes: the reply link of the same node in the session of the request, else in another one of
    /// the connection. reply-to is not asked: half of the clients leave it out, the others mean different things by it.
    /// </summary>
    public static ReplyEndpoint? Find(HubConnection connection, AmqpSession session, RequestNode node)
    {
        ReplyEndpoint? elsewhere = null;
        foreach (var endpoint in connection.Endpoints)
        {
            if (endpoint is not ReplyEndpoint reply || reply.Node != node)
                continue;
            if (reply.Link.Session == session)
                return reply;
            elsewhere ??= reply;
        }
        return elsewhere;
    }

    /// <summary>Sends a reply, now or when there is credit.</summary>
    public void Send(OutgoingMessage message)
    {
        if (_waiting.Count >= HubAmqpLimits.RepliesWaitingMax)
        {
            Connection.Close(
                ErrorCondition.ResourceLimitExceeded,
                $"Link '{Link.Name}' has taken no reply for {HubAmqpLimits.RepliesWaitingMax} requests.");
            return;
        }
        _waiting.Enqueue(message.ToArray());
        Pump(int.MaxValue);
    }

    public override void OnUpdated(in AmqpEvent e)
    {
        // A client with rcv-settle-mode second waits for the settlement; nothing hangs on the outcome.
        if (!e.RemoteSettled)
            ((SenderLink)Link).Settle(e.Delivery.Id, e.State);
    }

    protected override bool Pump(int outputBytesMax)
    {
        var sender = (SenderLink)Link;
        Span<byte> tag = stackalloc byte[sizeof(uint)];
        while (_waiting.Count > 0 && sender.CanSend)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(tag, ++_tag);
            sender.TrySend(tag, 0, _waiting.Dequeue(), sender.SenderSettleMode == SenderSettleMode.Settled);
        }
        if (_waiting.Count == 0)
            sender.Drained();
        return false;
    }
}
