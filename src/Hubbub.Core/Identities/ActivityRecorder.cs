namespace Hubbub.Core.Identities;

/// <summary>
/// Brings back after a start when devices were last heard of, and stores it from time to time, many at once: a crash
/// costs what was heard since. It is no reason to hold up a start, so what was stored comes a moment later.
/// </summary>
public sealed class ActivityRecorder : IAsyncDisposable
{
    private readonly DevicePresence _presence;
    private readonly IdentityRegistry _registry;
    private readonly IActivityStore _store;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="onFailure">Told of a failure that ends the recording; the hub goes on.</param>
    public ActivityRecorder(
        DevicePresence presence,
        IdentityRegistry registry,
        IActivityStore store,
        TimeProvider time,
        Action<Exception> onFailure)
    {
        (_presence, _registry, _store) = (presence, registry, store);
        var timer = new PeriodicTimer(IdentityLimits.ActivityInterval, time);
        _running = Task.Run(() => RunAsync(timer, onFailure));
    }

    /// <summary>Completes when what was stored is there; cancelled when it never will be.</summary>
    public Task Loaded => _loaded.Task;

    /// <summary>Stores what has changed.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        while (_presence.TakeChanged(IdentityLimits.ActivityBatchMax) is { Count: > 0 } taken)
        {
            var changed = new List<StoredActivity>(taken.Count);
            var gone = new List<(string, string?)>();
            foreach (var (deviceId, moduleId, state) in taken)
            {
                if (state is { } known && _registry.GenerationOf(deviceId, moduleId) is { } generationId)
                {
                    changed.Add(new(
                        deviceId, moduleId, generationId, known.IsConnected, known.ChangedAt, known.ActiveAt));
                }
                else
                {
                    gone.Add((deviceId, moduleId));
                }
            }
            if (await _store.WriteActivityAsync(changed, gone, cancellationToken).ConfigureAwait(false) is null)
                continue;
            _presence.PutBack(taken); // A full disk: the next time.
            return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync(PeriodicTimer timer, Action<Exception> onFailure)
    {
        try
        {
            using (timer)
            {
                await LoadAsync().ConfigureAwait(false);
                _loaded.TrySetResult();
                while (await WaitAsync(timer).ConfigureAwait(false))
                    await FlushAsync(CancellationToken.None).ConfigureAwait(false);
                await FlushAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // The store tells its own failure to the hub; this is not worth another end.
        catch (Exception e)
#pragma warning restore CA1031
        {
            onFailure(e);
        }
        finally
        {
            _loaded.TrySetCanceled();
        }
    }

    // To its end even while the hub stops: what is flushed after it would replace what was not read.
    private async Task LoadAsync()
    {
        StoredActivity? last = null;
        while (true)
        {
            var page = await _store.LoadActivityAsync(last, IdentityLimits.ActivityPageMax, CancellationToken.None)
                .ConfigureAwait(false);
            if (page.Count == 0)
                return;
            last = page[^1];
            await RestoreAsync(page).ConfigureAwait(false);
        }
    }

    private async Task RestoreAsync(IReadOnlyList<StoredActivity> stored)
    {
        var known = new List<StoredActivity>(stored.Count);
        var orphans = new List<(string, string?)>();
        foreach (var activity in stored)
        {
            if (_registry.GenerationOf(activity.DeviceId, activity.ModuleId) == activity.GenerationId)
                known.Add(activity);
            else
                orphans.Add((activity.DeviceId, activity.ModuleId));
        }
        _presence.Restore(known);
        if (orphans.Count > 0)
            await _store.WriteActivityAsync([], orphans, CancellationToken.None).ConfigureAwait(false);
    }

    private async ValueTask<bool> WaitAsync(PeriodicTimer timer)
    {
        try
        {
            return await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
