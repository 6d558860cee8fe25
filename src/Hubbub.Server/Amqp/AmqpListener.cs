using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp;

/// <summary>Serves AMQP connections, whatever carries their bytes.</summary>
public sealed class AmqpListener : IDisposable
{
    private readonly AmqpServices _services;
    private readonly ConcurrentDictionary<HubConnection, bool> _connections = new();
    private readonly UnprovenConnections _unproven = new();
    private readonly IDisposable _identityChanges;

    public AmqpListener(AmqpServices services)
    {
        _services = services;
        _identityChanges = services.Registry.Subscribe(OnIdentityChanged);
        services.Policies.OnChanged(() => Recheck(static _ => true));
        services.Authorities.OnChanged(
            () => Recheck(static connection => connection.Peer.ClientCertificate is not null));
        services.Events.Groups.OnDeleted(group => services.Events.Readers.RemoveGroup(
            group.Name,
            EventStreamAdmission.NotFoundText(services.Hub, $"{group.EntityName}/ConsumerGroups/{group.Name}")
                + " It was deleted."));
    }

    /// <summary>Serves one connection; returns when it is over.</summary>
    /// <param name="transport">The connection's bytes, both ways.</param>
    /// <param name="peer">Who is at the other end, as far as the transport knows.</param>
    /// <param name="stopping">Set when the hub stops: close the connection with amqp:connection:forced.</param>
    public async Task RunAsync(IDuplexPipe transport, AmqpPeer peer, CancellationToken stopping)
    {
        var connection = new HubConnection(_services, peer, transport, _unproven);
        _connections[connection] = true;
        _unproven.Add(connection);
        await using var registration = stopping.UnsafeRegister(
            static state => ((HubConnection)state!).Stop(
                ErrorCondition.ConnectionForced, "The hub is shutting down. Please reconnect."),
            connection).ConfigureAwait(false);
        try
        {
            await connection.Driver.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _connections.TryRemove(connection, out _);
            _unproven.Remove(connection);
        }
    }

    public void Dispose() => _identityChanges.Dispose();

    // What an operator takes away ends at once on live connections: each concerned looks again at what it has let in.
    private void Recheck(Func<HubConnection, bool> isConcerned)
    {
        foreach (var (connection, _) in _connections)
        {
            if (isConcerned(connection))
                connection.Recheck();
        }
    }

    private void OnIdentityChanged(IdentityChange change)
    {
        if (change.Kind is IdentityChangeKind.Created or IdentityChangeKind.Updated or IdentityChangeKind.Enabled)
            return;
        Recheck(connection => connection.IsConcernedBy(change.DeviceId));
    }
}

/// <summary>What a transport knows about the other end of a connection.</summary>
/// <param name="ConnectionId">Unique in this process; in log lines.</param>
/// <param name="RemoteEndPoint">The peer's address; null when the transport has none.</param>
/// <param name="IsSecure">True when TLS protects the bytes.</param>
/// <param name="TlsServerName">The server name that the peer asked for (SNI), if any.</param>
/// <param name="ClientCertificate">
/// The certificate whose key the peer has proven to hold; null when it showed none.
/// </param>
/// <param name="Transport">"tcp" or "websocket".</param>
public sealed record AmqpPeer(
    string ConnectionId,
    EndPoint? RemoteEndPoint,
    bool IsSecure,
    string? TlsServerName,
    ClientCertificate? ClientCertificate,
    string Transport);
