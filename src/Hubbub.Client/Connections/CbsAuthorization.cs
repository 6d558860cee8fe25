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
    private Task _renewing = Task.CompletedTask;

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
        return token.ExpiresAt;
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
