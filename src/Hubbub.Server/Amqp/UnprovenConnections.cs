using System.Net;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp;

/// <summary>
/// The connections that have proven nothing yet, oldest first. There is room for so many in all and from one network;
/// when it is used up, the oldest makes place, so that strangers who wait cannot keep devices out.
/// </summary>
/// <remarks>
/// Peers on this machine are not counted: what runs here can harm the hub in simpler ways, and load tests open their
/// connections faster than any network does.
/// </remarks>
internal sealed class UnprovenConnections
{
    private readonly Lock _gate = new();
    private readonly LinkedList<UnprovenConnection> _oldestFirst = new();
    private readonly Dictionary<IPAddress, int> _perNetwork = [];

    /// <summary>Takes a new connection in; cuts the one that has to make place for it.</summary>
    public void Add(HubConnection connection)
    {
        if (connection.Peer.RemoteEndPoint is not IPEndPoint { Address: var address } || IPAddress.IsLoopback(address))
            return;
        var network = PeerNetwork.Of(address);
        HubConnection? dropped = null;
        lock (_gate)
        {
            var count = _perNetwork.GetValueOrDefault(network) + 1;
            _perNetwork[network] = count;
            connection.Unproven = _oldestFirst.AddLast(new UnprovenConnection(connection, network));
            if (count > HubAmqpLimits.UnprovenPerAddressMax)
                dropped = OldestOf(network);
            else if (_oldestFirst.Count > HubAmqpLimits.UnprovenMax)
                dropped = _oldestFirst.First!.Value.Connection;
            if (dropped is not null)
                Forget(dropped);
        }
        if (dropped is null)
            return;
        dropped.Services.Logger.AmqpUnprovenDropped(dropped.Peer.ConnectionId, $"{dropped.Peer.RemoteEndPoint}");
        dropped.Driver.Abort();
    }

    /// <summary>The connection has proven something, or is over.</summary>
    public void Remove(HubConnection connection)
    {
        if (connection.Unproven is null)
            return;
        lock (_gate)
            Forget(connection);
    }

    private void Forget(HubConnection connection)
    {
        if (connection.Unproven is not { } node)
            return;
        connection.Unproven = null;
        _oldestFirst.Remove(node);
        var network = node.Value.Network;
        if (--_perNetwork[network] == 0)
            _perNetwork.Remove(network);
    }

    private HubConnection OldestOf(IPAddress network)
    {
        var node = _oldestFirst.First!;
        while (!network.Equals(node.Value.Network))
            node = node.Next!;
        return node.Value.Connection;
    }
}

/// <summary>A connection that has proven nothing yet, and the network that it is counted for.</summary>
internal readonly record struct UnprovenConnection(HubConnection Connection, IPAddress Network);
