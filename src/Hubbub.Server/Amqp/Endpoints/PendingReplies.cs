using Hubbub.Amqp.Engine;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// Replies of a connection whose reply link is not attached yet: some clients ask first and attach it afterwards.
/// </summary>
internal sealed class PendingReplies
{
    private readonly List<(AmqpSession Session, RequestNode Node, byte[] Reply)> _replies = [];

    /// <summary>Keeps a reply until its link is attached.</summary>
    /// <returns>False when too many wait already.</returns>
    public bool TryAdd(AmqpSession session, RequestNode node, byte[] reply)
    {
        if (_replies.Count >= HubAmqpLimits.RepliesWaitingMax)
            return false;
        _replies.Add((session, node, reply));
        return true;
    }

    /// <summary>Gives a new reply link of a session what waits for it, in order.</summary>
    public void MoveTo(AmqpSession session, RequestNode node, Queue<byte[]> waiting)
    {
        foreach (var pending in _replies)
        {
            if (pending.Session == session && pending.Node == node)
                waiting.Enqueue(pending.Reply);
        }
        _replies.RemoveAll(pending => pending.Session == session && pending.Node == node);
    }

    /// <summary>Forgets what a session that has ended was to get.</summary>
    public void Remove(AmqpSession session) => _replies.RemoveAll(pending => pending.Session == session);
}
