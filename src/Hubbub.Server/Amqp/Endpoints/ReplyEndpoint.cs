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

    /// <summary>Takes over the replies that were given before the link was attached.</summary>
    public void Begin() => Connection.PendingReplies?.MoveTo(Link.Session, Node, _waiting);

    /// <summary>
    /// Sends the reply to a request: on the node's reply link in the session of the request, or in another session of
    /// the connection; when there is none yet, as soon as one is attached. Of several links in one session, the one
    /// that reply-to means gets it, else the newest; one link needs no reply-to, for half of the clients leave it out
    /// and the others mean different things by it.
    /// </summary>
    public static void Reply(
        HubConnection connection, AmqpSession session, RequestNode node, in NodeRequest request,
        OutgoingMessage reply) =>
        Reply(connection, session, node, request.ReplyTo, reply.ToArray());

    /// <summary>
    /// Sends the reply to a request that failed to authenticate: perhaps later, where there were many.
    /// </summary>
    public static void ReplyToFailure(
        HubConnection connection,
        AmqpSession session,
        RequestNode node,
        in NodeRequest request,
        OutgoingMessage reply,
        string? holder)
    {
        var (replyTo, bytes) = (request.ReplyTo, reply.ToArray());
        DelayedAnswers.Answer(connection, holder, () => Reply(connection, session, node, replyTo, bytes));
    }

    private static void Reply(
        HubConnection connection, AmqpSession session, RequestNode node, string? replyTo, byte[] reply)
    {
        if (session.State >= SessionState.EndSent)
            return;
        if (Find(connection, session, node, replyTo) is { } link)
        {
            link.Send(reply);
            return;
        }
        if (!(connection.PendingReplies ??= new PendingReplies()).TryAdd(session, node, reply))
        {
            connection.Close(
                ErrorCondition.ResourceLimitExceeded,
                $"{HubAmqpLimits.RepliesWaitingMax} requests were sent and no link was attached for their replies.");
        }
    }

    private static ReplyEndpoint? Find(HubConnection connection, AmqpSession session, RequestNode node, string? replyTo)
    {
        ReplyEndpoint? found = null;
        foreach (var endpoint in connection.Endpoints)
        {
            if (endpoint is not ReplyEndpoint reply || reply.Node != node)
                continue;
            var isHere = reply.Link.Session == session;
            if (isHere && replyTo is not null && reply.IsMeantBy(replyTo))
                return reply;
            if (isHere || found is null || found.Link.Session != session)
                found = reply;
        }
        return found;
    }

    private bool IsMeantBy(string replyTo) =>
        replyTo == Link.Name
        || (Link.RemoteAttach?.Target as Target)?.Address is { } address && address.TextEquals(replyTo);

    private void Send(byte[] reply)
    {
        if (_waiting.Count >= HubAmqpLimits.RepliesWaitingMax)
        {
            Connection.Close(
                ErrorCondition.ResourceLimitExceeded,
                $"Link '{Link.Name}' has taken no reply for {HubAmqpLimits.RepliesWaitingMax} requests.");
            return;
        }
        _waiting.Enqueue(reply);
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
        if (_waiting.Count == 0 || sender.Credit == 0)
            sender.Drained();
        return false;
    }
}
