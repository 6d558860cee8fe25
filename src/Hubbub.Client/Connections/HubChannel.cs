using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>
/// One identity's way to an IoT hub: a connection, of its own or shared with others, and a session on it, both made
/// when they are needed and anew when they are lost.
/// </summary>
internal sealed class HubChannel
{
    private readonly ConnectionString _to;
    private readonly ClientOptions _options;
    private readonly OnDemand<AmqpClientConnection> _connections;
    private readonly OnDemand<HubSession> _sessions;
    private readonly bool _ownsConnection;
    private readonly ConnectionRenewal? _renewal;

    /// <param name="to">Who and where.</param>
    /// <param name="options">How.</param>
    /// <param name="states">Told how it stands.</param>
    /// <param name="shared">A connection that others use too; null for one of its own.</param>
    public HubChannel(
        ConnectionString to,
        ClientOptions options,
        ConnectionStateSignal states,
        OnDemand<AmqpClientConnection>? shared = null)
    {
        (_to, _options) = (to, options);
        _ownsConnection = shared is null;
        _connections = shared ?? ConnectionTo(to, options);
        _sessions = new OnDemand<HubSession>(
            to.HostName, options, OpenSessionAsync, static session => session.Ended,
            static session => session.CloseAsync())
        {
            OnState = states.Set,
        };
        if (_ownsConnection && options.ClientCertificate is null && !ProvesByClaim(options))
            _renewal = new ConnectionRenewal(_connections, _sessions, c => ConnectAsync(to, options, c), options);
    }

    /// <summary>A connection to a hub that is made when it is needed.</summary>
    public static OnDemand<AmqpClientConnection> ConnectionTo(ConnectionString to, ClientOptions options) => new(
        to.HostName,
        options,
        cancellationToken => ConnectAsync(to, options, cancellationToken),
        static connection => connection.Ended,
        static connection => connection.CloseAsync());

    /// <summary>Attaches a link, on a session and connection that are made for it if they have to.</summary>
    /// <exception cref="HubbubException">Refused.</exception>
    public async Task AttachAsync(ClientLink link, Attach attach, CancellationToken cancellationToken)
    {
        var session = await _sessions.GetAsync(cancellationToken).ConfigureAwait(false);
        await session.AttachAsync(link, attach, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for a session, as long as a call may take.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused or too slow.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.OperationTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            await _sessions.GetAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw LastFailure ?? Timely.TooLong(_options, _to.HostName, "connecting", e);
        }
    }

    /// <summary>Why the last attempt failed; null when it did not.</summary>
    public HubbubException? LastFailure => _connections.LastFailure ?? _sessions.LastFailure;

    /// <summary>Ends the session, and the connection if nobody else uses it.</summary>
    public async Task CloseAsync()
    {
        await _sessions.CloseAsync().ConfigureAwait(false);
        if (_renewal is not null)
            await _renewal.StopAsync().ConfigureAwait(false);
        if (_ownsConnection)
            await _connections.CloseAsync().ConfigureAwait(false);
    }

    private async Task<HubSession> OpenSessionAsync(CancellationToken cancellationToken)
    {
        var connection = await _connections.GetAsync(cancellationToken).ConfigureAwait(false);
        var tokens = ProvesByClaim(_options) ? TokenSource.ForIotHub(_to, _options) : null;
        var session = await HubSession.OpenAsync(connection, tokens, cancellationToken).ConfigureAwait(false);
        _renewal?.Watch(session);
        return session;
    }

    private static async Task<AmqpClientConnection> ConnectAsync(
        ConnectionString to, ClientOptions options, CancellationToken cancellationToken)
    {
        SaslInit? sasl = null;
        DateTimeOffset? renewAt = null;
        // amqp.md 1.2: a client certificate is proof enough; such clients send a bare AMQP header.
        if (options.ClientCertificate is null)
        {
            sasl = SaslCredentials.Cbs;
            if (!ProvesByClaim(options))
            {
                var tokens = TokenSource.ForIotHub(to, options);
                var token = await tokens.MakeAsync(options, cancellationToken).ConfigureAwait(false);
                sasl = SaslCredentials.Plain(to, token);
                // There is nothing to renew a token with that was given ready-made.
                renewAt = tokens.IsFixed ? null : TokenRenewal.DueAt(token.ExpiresAt, options.TimeProvider);
            }
        }
        var address = ServerAddress.Of(to, options);
        var connection = await AmqpClientConnection.OpenAsync(address, sasl, options, cancellationToken)
            .ConfigureAwait(false);
        connection.RenewAt = renewAt;
        return connection;
    }

    private static bool ProvesByClaim(ClientOptions options) =>
        options.ClientCertificate is null && options.Authentication == ClientAuthentication.Cbs;
}
