namespace Hubbub.Client.Connections;

/// <summary>
/// The node <c>$cbs</c> of a connection, on a session of its own that all claims share; opened by the first of them,
/// and anew when it was lost.
/// </summary>
internal sealed class ClaimsNode(AmqpClientConnection connection)
{
    private readonly SemaphoreSlim _gate = new(1);
    private RequestChannel? _channel;
    private ClientSession? _session;

    /// <exception cref="HubbubException">Refused, lost or too late.</exception>
    public async Task<RequestChannel> OpenAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_channel is { End: null } open)
                return open;
            if (_session is { } ended)
                connection.EndSession(ended);
            _session = await connection.BeginSessionAsync(cancellationToken).ConfigureAwait(false);
            return _channel = await RequestChannel.OpenAsync(connection, _session, "$cbs", cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }
}
