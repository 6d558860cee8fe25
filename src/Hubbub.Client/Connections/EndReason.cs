using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>What the engine says of an end, as an exception.</summary>
internal static class EndReason
{
    /// <summary>Of a link, a session or a connection that has ended.</summary>
    public static HubbubException Of(in AmqpEvent e, string address)
    {
        // The engine's own word for a peer that has fallen silent (AMQP 2.4.5).
        if (e is { Kind: AmqpEventKind.Closed, ByPeer: false }
            && e.Error?.Condition.Value == ErrorCondition.ResourceLimitExceeded)
            return new HubbubException(HubbubCondition.ConnectionLost, e.Error.Description, address);
        if (e.Error is { } error)
            return HubbubException.From(error, address);
        var why = e.Kind == AmqpEventKind.LinkDetached ? "the peer detached the link" : "the peer ended it";
        return new HubbubException(HubbubCondition.ConnectionLost, $"{why} without a reason", address);
    }

    /// <summary>All channels, or all handles, are in use: in the engine's own words.</summary>
    public static HubbubException TooMany(string address, InvalidOperationException e) =>
        new(ErrorCondition.ResourceLimitExceeded, e.Message, address, null, e);
}
