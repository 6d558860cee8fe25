namespace Hubbub.Client.Connections;

/// <summary>A session at an IoT hub, authorised for one identity.</summary>
internal sealed class HubSession
{
    private readonly ClientSession _session;
    private readonly CbsAuthorization? _authorization;

    private HubSession(AmqpClientConnection connection, ClientSession session, CbsAuthorization? authorization)
    {
        Connection = connection;
        _session = session;
        _authorization = authorization;
    }

    public AmqpClientConnection Connection { get; }

    /// <summary>Why no link can be attached to it any more; null while one can.</summary>
    public HubbubException? End => Connection.End ?? _session.End;

    /// <summary>Completes with the reason when it is over.</summary>
    public Task<HubbubException> Ended => _session.Ended;

    /// <summary>Begins a session and proves who the client is.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="tokens">Where tokens come from; null when the connection itself was the proof.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HubbubException">Refused, or lost.</exception>
    public static async Task<HubSession> OpenAsync(
        AmqpClientConnection connection, TokenSource? tokens, CancellationToken cancellationToken)
    {
        var authorization = tokens is null
            ? null
            : await CbsAuthorization.StartAsync(connection, tokens, cancellationToken).ConfigureAwait(false);
        try
        {
            var session = await connection.BeginSessionAsync(cancellationToken).ConfigureAwait(false);
            return new HubSession(connection, session, authorization);
        }
        catch
        {
            if (authorization is not null)
                await authorization.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends the session; the connection stays.</summary>
    public async Task CloseAsync()
    {
        if (_authorization is not null)
            await _authorization.DisposeAsync().ConfigureAwait(false);
        Connection.EndSession(_session);
    }

    /// <summary>Attaches a link, with a claim that holds.</summary>
    /// <exception cref="HubbubException">Refused, or lost.</exception>
    public async Task AttachAsync(
        ClientLink link, Amqp.Performatives.Attach attach, CancellationToken cancellationToken)
    {
        if (_authorization is not null)
            await _authorization.EnsureAsync(_session, cancellationToken).ConfigureAwait(false);
        await Connection.AttachAsync(_session, link, attach, cancellationToken).ConfigureAwait(false);
    }
}
