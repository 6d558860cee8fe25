using System.Net;

namespace Hubbub.Server.Amqp;

/// <summary>
/// The connections that have proven nothing yet, oldest first. There is room for so many in all and from one address;
/// when it is used up, the oldest makes place, so that strangers who wait cannot keep devices out.
/// </summary>
/// <remarks>
/// Peers on this machine are not counted: what runs here can harm the hub in simpler ways, and load tests open their
/// connections faster than any network does.
/// </remarks>
internal sealed class UnprovenConnections
{
    private readonly Lock _gate = new();
    private readonly LinkedList<HubConnection> _oldestFirst = new();
    private readonly Dictionary<IPAddress, int> _perAddress = [];

    /// <summary>Takes a new connection in; cuts the one that has to make place for it.</summary>
    public void Add(HubConnection connection)
    {
        if (AddressOf(connection) is not { } address)
            return;
        HubConnection? dropped = null;
        lock (_gate)
        {
            var count = _perAddress.GetValueOrDefault(address) + 1;
            _perAddress[address] = count;
            connection.Unproven = _oldestFirst.AddLast(connection);
            if (count > HubAmqpLimits.UnprovenPerAddressMax)
                dropped = OldestOf(address);
            else if (_oldestFirst.Count > HubAmqpLimits.UnprovenMax)
                dropped = _oldestFirst.First!.Value;
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
        var address = AddressOf(connection)!;
        if (--_perAddress[address] == 0)
            _perAddress.Remove(address);
    }

    private HubConnection OldestOf(IPAddress address)
    {
        var node = _oldestFirst.First!;
        while (!address.Equals(AddressOf(node.Value)))
            node = node.Next!;
        return node.Value;
    }

    private static IPAddress? AddressOf(HubConnection connection) =>
        connection.Peer.RemoteEndPoint is IPEndPoint { Address: var address } && !IPAddress.IsLoopback(address) ? address : null;
}
