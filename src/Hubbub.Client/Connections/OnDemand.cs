namespace Hubbub.Client.Connections;

/// <summary>
/// Something that many use and that may be lost: it is opened when the first one needs it, and opened anew when it is
/// needed and has ended. Passing failures are tried again while anybody waits.
/// </summary>
internal sealed class OnDemand<T>(
    string address,
    ClientOptions options,
    Func<CancellationToken, Task<T>> openAsync,
    Func<T, Task<HubbubException>> endedAsync,
    Func<T, Task> closeAsync)
    where T : class
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Backoff _backoff = new(options);
    private Task<T>? _opening;
    private int _waiting;
    private bool _isClosed;

    /// <summary>Told of changes, in order, never under a lock that matters.</summary>
    public Action<ConnectionState, HubbubException?>? OnState { get; init; }

    /// <summary>Why the last attempt failed; null when it did not.</summary>
    public HubbubException? LastFailure { get; private set; }

    /// <summary>An open one.</summary>
    /// <exception cref="HubbubException">It cannot be had, or is closed on this side.</exception>
    public async Task<T> GetAsync(CancellationToken cancellationToken)
    {
        Task<T> opening;
        lock (_gate)
        {
            if (_isClosed)
                throw HubbubException.Closed(address);
            if (_opening is null || IsOver(_opening))
                _opening = OpenAsync(_opening);
            opening = _opening;
            _waiting++;
        }
        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                _waiting--;
        }
    }

    /// <summary>Puts another one in the place of the one that is there.</summary>
    /// <returns>False when that one is there no more, or is lost; then nothing has changed.</returns>
    public bool TryReplace(T before, T after)
    {
        lock (_gate)
        {
            // One that is lost is opened anew by whoever needs it, who tells how it stands.
            if (_isClosed || _opening is not { IsCompletedSuccessfully: true } current || current.Result != before
                || endedAsync(before).IsCompleted)
                return false;
            _opening = Task.FromResult(after);
        }
        _ = WatchAsync(after);
        return true;
    }

    /// <summary>Closes what is open; nothing is opened any more.</summary>
    public async Task CloseAsync()
    {
        Task<T>? opening;
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            opening = _opening;
        }
        await _closing.CancelAsync().ConfigureAwait(false);
        if (opening is not null)
        {
            await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (opening.IsCompletedSuccessfully)
                await closeAsync(await opening.ConfigureAwait(false)).ConfigureAwait(false);
        }
        OnState?.Invoke(ConnectionState.Closed, null);
        _closing.Dispose();
    }

    private bool IsOver(Task<T> opening) =>
        opening.IsCompleted && (!opening.IsCompletedSuccessfully || endedAsync(opening.Result).IsCompleted);

    private async Task<T> OpenAsync(Task<T>? before)
    {
        // Not under the lock of the one who called.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            if (before is { IsCompletedSuccessfully: true })
                await GiveBackAsync(await before.ConfigureAwait(false)).ConfigureAwait(false);
            else
                OnState?.Invoke(ConnectionState.Connecting, LastFailure);
            while (true)
            {
                try
                {
                    var opened = await openAsync(_closing.Token).ConfigureAwait(false);
                    LastFailure = null;
                    _backoff.Succeeded();
                    OnState?.Invoke(ConnectionState.Connected, null);
                    _ = WatchAsync(opened);
                    return opened;
                }
                catch (HubbubException e) when (e.IsTransient && options.Reconnect.IsEnabled && IsWanted)
                {
                    LastFailure = e;
                    OnState?.Invoke(ConnectionState.Reconnecting, e);
                    await _backoff.WaitAsync(_closing.Token).ConfigureAwait(false);
                }
            }
        }
        catch (Exception e)
        {
            var failure = e as HubbubException ?? (_closing.IsCancellationRequested
                ? HubbubException.Closed(address)
                : new HubbubException(HubbubCondition.Unreachable, e.Message, address, null, e));
            LastFailure = failure;
            if (failure.Condition != HubbubCondition.Closed)
                OnState?.Invoke(ConnectionState.Disconnected, failure);
            if (failure != e)
                throw failure;
            throw;
        }
    }

    private async Task GiveBackAsync(T lost)
    {
        Tell(await endedAsync(lost).ConfigureAwait(false));
        await closeAsync(lost).ConfigureAwait(false);
    }

    // Tells at once that it is lost, also while nobody needs it. Never faults.
    private async Task WatchAsync(T opened)
    {
        var end = await endedAsync(opened).ConfigureAwait(false);
        lock (_gate)
        {
            // When another one is being opened already, that has told it.
            if (!_isClosed && _opening is { IsCompletedSuccessfully: true } current && current.Result == opened)
                Tell(end);
        }
    }

    private void Tell(HubbubException end) => OnState?.Invoke(
        options.Reconnect.IsEnabled ? ConnectionState.Reconnecting : ConnectionState.Disconnected, end);

    private bool IsWanted
    {
        get
        {
            lock (_gate)
                return _waiting > 0;
        }
    }
}
