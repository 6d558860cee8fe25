using Hubbub.Amqp.Codec;

namespace Hubbub.Client.Connections;

/// <summary>
/// One identity's claim on a connection: put on <c>$cbs</c> (amqp.md 2.4) and renewed before it expires. The links
/// that stand on it notice nothing.
/// </summary>
internal sealed class CbsAuthorization : IAsyncDisposable
{
    private readonly AmqpClientConnection _connection;
    private readonly TokenSource _tokens;
    private readonly ClientOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _putting = new(1);
    private Task _renewing = Task.CompletedTask;
    private DateTimeOffset _expiresAt;

    private CbsAuthorization(AmqpClientConnection connection, TokenSource tokens) =>
        (_connection, _tokens, _options) = (connection, tokens, connection.Options);

    /// <summary>Why the last renewal failed; null when it did not.</summary>
    public HubbubException? RenewalFailure { get; private set; }

    /// <summary>Puts the first token; renews from then on.</summary>
    /// <exception cref="HubbubException">The token was refused.</exception>
    public static async Task<CbsAuthorization> StartAsync(
        AmqpClientConnection connection, TokenSource tokens, CancellationToken cancellationToken)
    {
        var authorization = new CbsAuthorization(connection, tokens);
        var expiresAt = await authorization.PutAsync(cancellationToken).ConfigureAwait(false);
        if (!tokens.IsFixed)
            authorization._renewing = authorization.RenewAsync(expiresAt);
        return authorization;
    }

    /// <summary>
    /// Puts a new token before a link is attached, if the last one has run out, as it does when renewals failed, or the
    /// peer took it for that: a claim that is over ends the links, not the session.
    /// </summary>
    /// <exception cref="HubbubException">The token was refused, or there is none.</exception>
    public async Task EnsureAsync(ClientSession session, CancellationToken cancellationToken)
    {
        // Whoever comes meanwhile waits for the same token.
        await _putting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!session.WasRefused && _options.TimeProvider.GetUtcNow() < _expiresAt)
                return;
            session.WasRefused = false;
            await PutAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _putting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task<DateTimeOffset> PutAsync(CancellationToken cancellationToken)
    {
        var token = await _tokens.MakeAsync(_options, cancellationToken).ConfigureAwait(false);
        var properties = new AmqpMapBuilder(MapKeyKind.String)
            .Add("operation", "put-token")
            .Add("type", _tokens.Type)
            .Add("name", _tokens.Audience)
            .Add("expiration", token.ExpiresAt)
            .Build();
        var channel = await _connection.Claims.OpenAsync(cancellationToken).ConfigureAwait(false);
        await channel.CallAsync(properties, AmqpValue.From(token.Value), cancellationToken).ConfigureAwait(false);
        return _expiresAt = token.ExpiresAt;
    }

    private async Task RenewAsync(DateTimeOffset expiresAt)
    {
        try
        {
            var dueAt = TokenRenewal.DueAt(expiresAt, _options.TimeProvider);
            while (true)
            {
                await Task.Delay(
                    TokenRenewal.WaitUntil(dueAt, _options.TimeProvider), _options.TimeProvider, _stop.Token)
                    .ConfigureAwait(false);
                try
                {
                    expiresAt = await PutAsync(_stop.Token).ConfigureAwait(false);
                    RenewalFailure = null;
                    dueAt = TokenRenewal.DueAt(expiresAt, _options.TimeProvider);
                }
                catch (HubbubException e) when (_connection.End is null)
                {
                    // The old token holds for a while; if it runs out the hub detaches the links and says so.
                    RenewalFailure = e;
                    dueAt = _options.TimeProvider.GetUtcNow() + TokenRenewal.RetryAfter;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or HubbubException)
        {
            // Stopped, or the connection is over: nothing is left to renew.
        }
    }
}
