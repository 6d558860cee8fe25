namespace Hubbub.Client.Connections;

/// <summary>
/// A connection that was proven by SASL PLAIN holds as long as its token. Before that ends, another one with a new
/// token is opened beside it and takes its place: sends that are under way get their answers on the old one, commands
/// that are locked are settled there, and everything new goes over the new one.
/// </summary>
/// <param name="connections">The channel's connection.</param>
/// <param name="sessions">The channel's session.</param>
/// <param name="connectAsync">Makes another connection, with a new token.</param>
/// <param name="options">Time-outs and time.</param>
internal sealed class ConnectionRenewal(
    OnDemand<AmqpClientConnection> connections,
    OnDemand<HubSession> sessions,
    Func<CancellationToken, Task<AmqpClientConnection>> connectAsync,
    ClientOptions options)
{
    /// <summary>
    /// The part of an operation's time that answers may take to come on the old connection: sends that wait meanwhile
    /// have the rest of theirs.
    /// </summary>
    private const int DrainShare = 3;

    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private AmqpClientConnection? _retired;

    /// <summary>Renews the connection of this session from now on. By one at a time.</summary>
    public void Watch(HubSession session)
    {
        if (session.Connection.RenewAt is not null)
            _running = RunAsync(session, _running);
    }

    /// <summary>Renews no more, and closes what has been replaced.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
        if (_retired is not null)
            await _retired.CloseAsync().ConfigureAwait(false);
    }

    private async Task RunAsync(HubSession? session, Task before)
    {
        // The session before has ended, so that this does not last.
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var dueAt = session!.Connection.RenewAt.GetValueOrDefault();
        try
        {
            while (session is not null)
            {
                if (!await IsStillThereAsync(session, dueAt).ConfigureAwait(false))
                    return;
                try
                {
                    session = await ReplaceAsync(session).ConfigureAwait(false);
                    dueAt = session?.Connection.RenewAt ?? default;
                }
                catch (HubbubException)
                {
                    // The old one holds for a while; if its token runs out the hub closes it and says so.
                    dueAt = options.TimeProvider.GetUtcNow() + TokenRenewal.RetryAfter;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task<bool> IsStillThereAsync(HubSession session, DateTimeOffset dueAt)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var wait = TokenRenewal.WaitUntil(dueAt, options.TimeProvider);
        var due = Task.Delay(wait, options.TimeProvider, over.Token);
        await Task.WhenAny(due, session.Ended).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        _stop.Token.ThrowIfCancellationRequested();
        return session.End is null;
    }

    /// <returns>The session that took the place of the old one; null when somebody else was faster.</returns>
    private async Task<HubSession?> ReplaceAsync(HubSession before)
    {
        var connection = await connectAsync(_stop.Token).ConfigureAwait(false);
        HubSession after;
        try
        {
            after = await HubSession.OpenAsync(connection, null, _stop.Token).ConfigureAwait(false);
            if (!connections.TryReplace(before.Connection, connection))
                throw HubbubException.Closed(connection.Address.ToString());
        }
        catch
        {
            await connection.CloseAsync().ConfigureAwait(false);
            throw;
        }
        if (!sessions.TryReplace(before, after))
        {
            await after.CloseAsync().ConfigureAwait(false);
            // A session that was begun there meanwhile is nobody's to replace, and would take no links for as long as
            // the old connection lasts.
            before.Connection.Abort();
            await before.Connection.Ended.WaitAsync(_stop.Token).ConfigureAwait(false);
            return null;
        }
        await RetireAsync(before.Connection).ConfigureAwait(false);
        return after;
    }

    private async Task RetireAsync(AmqpClientConnection connection)
    {
        // Whoever has not settled his commands over the life of a whole token has lost their locks.
        if (_retired is not null)
            await _retired.CloseAsync().ConfigureAwait(false);
        _retired = connection;
        connection.Retire(isOverdue: false);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var patience = Task.Delay(options.OperationTimeout / DrainShare, options.TimeProvider, over.Token);
        await Task.WhenAny(patience, connection.Ended).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        connection.Retire(isOverdue: true);
    }
}
