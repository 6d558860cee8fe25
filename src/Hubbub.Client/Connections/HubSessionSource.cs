namespace Hubbub.Client.Connections;

/// <summary>The current session of a client: opened by the first who needs it, opened anew when it is lost.</summary>
internal sealed class HubSessionSource(ConnectionString to, ClientOptions options)
{
    private readonly SemaphoreSlim _opening = new(1);
    private HubSession? _session;
    private bool _isClosed;

    /// <summary>An open session.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused, or closed on this side.</exception>
    public async Task<HubSession> GetAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isClosed)
                throw HubbubException.Closed(to.HostName);
            if (_session is { HasEnded: false } open)
                return open;
            await DisconnectAsync().ConfigureAwait(false);
            return _session = await HubSession.OpenAsync(to, options, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _opening.Release();
        }
    }

    public async Task CloseAsync()
    {
        await _opening.WaitAsync().ConfigureAwait(false);
        try
        {
            _isClosed = true;
            await DisconnectAsync().ConfigureAwait(false);
        }
        finally
        {
            _opening.Release();
        }
    }

    private async Task DisconnectAsync()
    {
        if (_session is { } session)
        {
            _session = null;
            await session.DisposeAsync().ConfigureAwait(false);
        }
    }
}
