using Hubbub.Amqp.Engine;

namespace Hubbub.Client.Connections;

/// <summary>A session at an IoT hub on a connection of its own, authorised for one identity.</summary>
internal sealed class HubSession : IAsyncDisposable
{
    private readonly CbsAuthorization? _authorization;

    private HubSession(AmqpClientConnection connection, AmqpSession session, CbsAuthorization? authorization)
    {
        Connection = connection;
        Session = session;
        _authorization = authorization;
    }

    public AmqpClientConnection Connection { get; }

    public AmqpSession Session { get; }

    /// <summary>True when no link can be attached to it any more.</summary>
    public bool HasEnded => Connection.End is not null || Session.State != SessionState.Mapped;

    /// <summary>Connects and proves who the client is.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted or refused.</exception>
    public static async Task<HubSession> OpenAsync(
        ConnectionString to, ClientOptions options, CancellationToken cancellationToken)
    {
        var tokens = TokenSource.ForIotHub(to);
        var isPlain = options.Authentication == ClientAuthentication.SaslPlain;
        var sasl = isPlain
            ? SaslCredentials.Plain(to, tokens.Make(options.TimeProvider.GetUtcNow() + options.TokenLifetime))
            : SaslCredentials.Cbs;
        var connection = await AmqpClientConnection.OpenAsync(
            ServerAddress.Of(to, options), sasl, options, cancellationToken).ConfigureAwait(false);
        try
        {
            var session = await connection.BeginSessionAsync(cancellationToken).ConfigureAwait(false);
            var authorization = isPlain
                ? null
                : await CbsAuthorization.StartAsync(connection, session, tokens, cancellationToken)
                    .ConfigureAwait(false);
            return new HubSession(connection, session, authorization);
        }
        catch
        {
            await connection.CloseAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_authorization is not null)
            await _authorization.DisposeAsync().ConfigureAwait(false);
        await Connection.CloseAsync().ConfigureAwait(false);
    }
}
