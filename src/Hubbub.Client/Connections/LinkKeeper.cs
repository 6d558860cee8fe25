namespace Hubbub.Client.Connections;

/// <summary>
/// Keeps a link up from the first need on: attaches it, and when it is lost attaches another in its place, until it is
/// stopped, or the reason is one that does not pass.
/// </summary>
/// <param name="address">What the link leads to.</param>
/// <param name="options">When to try again.</param>
/// <param name="attachAsync">Attaches a new link, with whatever that needs.</param>
/// <param name="onGivenUp">Told when no more is tried; after it <see cref="Start"/> begins anew.</param>
internal sealed class LinkKeeper(
    string address,
    ClientOptions options,
    Func<CancellationToken, Task<ClientLink>> attachAsync,
    Action<HubbubException> onGivenUp)
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource _attached = New();
    private bool _isStopped;

    /// <summary>Why there is no link just now; null while there is one, or nobody has tried.</summary>
    public HubbubException? LastFailure { get; private set; }

    /// <summary>Tells why there is no session just now; null when there is one, or nobody knows.</summary>
    public Func<HubbubException?>? Trouble { get; init; }

    /// <summary>Begins, unless it has begun. Does not block.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (_isStopped)
                return;
            if (_attached.Task.IsFaulted)
                _attached = New();
            _running = RunAsync(_running);
        }
    }

    /// <summary>Completes when the link is attached, faults when it is given up.</summary>
    /// <exception cref="HubbubException">Given up, or it takes too long; then it goes on by itself.</exception>
    public async Task WhenAttachedAsync(CancellationToken cancellationToken)
    {
        Task attached;
        lock (_gate)
            attached = _attached.Task;
        try
        {
            await attached.WaitAsync(options.OperationTimeout, options.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw LastFailure ?? Trouble?.Invoke() ?? Timely.TooLong(options, address, "attaching the link", e);
        }
    }

    /// <summary>Detaches the link and gives up.</summary>
    public async Task StopAsync()
    {
        Task running;
        lock (_gate)
        {
            _isStopped = true;
            running = _running;
        }
        await _stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    private async Task RunAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var backoff = new Backoff(options);
        var end = HubbubException.Closed(address);
        try
        {
            while (!_stopping.IsCancellationRequested)
            {
                (end, var wasAttached) = await KeepOneAsync(backoff).ConfigureAwait(false);
                if (end.IsReplaced)
                    continue;
                LastFailure = end;
                if (!options.Reconnect.IsEnabled || !end.MayHeal(wasAttached))
                    break;
                await backoff.WaitAsync(_stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            end = HubbubException.Closed(address);
        }
        lock (_gate)
        {
            if (_attached.Task.IsCompletedSuccessfully)
                _attached = New();
            _attached.TrySetException(end);
            _ = _attached.Task.Exception;
        }
        onGivenUp(end);
    }

    /// <summary>Attaches one link and waits for its end.</summary>
    private async Task<(HubbubException End, bool WasAttached)> KeepOneAsync(Backoff backoff)
    {
        ClientLink link;
        try
        {
            link = await attachAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (HubbubException e)
        {
            return (e, false);
        }
        LastFailure = null;
        backoff.Succeeded();
        lock (_gate)
            _attached.TrySetResult();
        HubbubException end;
        await using (_stopping.Token.UnsafeRegister(
            static state => ((ClientLink)state!).Connection!.Detach((ClientLink)state), link).ConfigureAwait(false))
            end = await link.Ended.ConfigureAwait(false);
        lock (_gate)
            _attached = New();
        return (end, true);
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
