using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;

namespace Hubbub.Client.Connections;

/// <summary>
/// One identity's claim on a connection: put on <c>$cbs</c> (amqp.md 2.4) and renewed before it expires. The links
/// that stand on it notice nothing.
/// </summary>
internal sealed class CbsAuthorization : IAsyncDisposable
{
    /// <summary>The part of a token's life after which it is renewed, as Azure's own devices do it.</summary>
    private const double RenewAfter = 0.85;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RenewMin = TimeSpan.FromSeconds(1);

    private readonly RequestChannel _channel;
    private readonly TokenSource _tokens;
    private readonly ClientOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private Task _renewing = Task.CompletedTask;

    private CbsAuthorization(RequestChannel channel, TokenSource tokens, ClientOptions options) =>
        (_channel, _tokens, _options) = (channel, tokens, options);

    /// <summary>Why the last renewal failed; null when it did not.</summary>
    public HubbubException? RenewalFailure { get; private set; }

    /// <summary>Puts the first token; renews from then on.</summary>
    /// <exception cref="HubbubException">The token was refused.</exception>
    public static async Task<CbsAuthorization> StartAsync(
        AmqpClientConnection connection, AmqpSession session, TokenSource tokens, CancellationToken cancellationToken)
    {
        var channel = await RequestChannel.OpenAsync(connection, session, "$cbs", cancellationToken)
            .ConfigureAwait(false);
        var authorization = new CbsAuthorization(channel, tokens, connection.Options);
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
        var token = _tokens.Make(_options.TimeProvider.GetUtcNow() + _options.TokenLifetime);
        var properties = new AmqpMapBuilder(MapKeyKind.String)
            .Add("operation", "put-token")
            .Add("type", _tokens.Type)
            .Add("name", _tokens.Audience)
            .Add("expiration", token.ExpiresAt)
            .Build();
        await _channel.CallAsync(properties, AmqpValue.From(token.Value), cancellationToken).ConfigureAwait(false);
        return token.ExpiresAt;
    }

    private async Task RenewAsync(DateTimeOffset expiresAt)
    {
        try
        {
            var wait = (expiresAt - _options.TimeProvider.GetUtcNow()) * RenewAfter;
            while (true)
            {
                await Task.Delay(wait < RenewMin ? RenewMin : wait, _options.TimeProvider, _stop.Token)
                    .ConfigureAwait(false);
                try
                {
                    expiresAt = await PutAsync(_stop.Token).ConfigureAwait(false);
                    RenewalFailure = null;
                    wait = (expiresAt - _options.TimeProvider.GetUtcNow()) * RenewAfter;
                }
                catch (HubbubException e)
                    when (e.Condition is not (HubbubCondition.Closed or HubbubCondition.ConnectionLost))
                {
                    // The old token holds for a while; if it runs out the hub detaches the links and says so.
                    RenewalFailure = e;
                    wait = RetryAfter;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or HubbubException)
        {
            // Stopped, or the connection is over: nothing is left to renew.
        }
    }
}
