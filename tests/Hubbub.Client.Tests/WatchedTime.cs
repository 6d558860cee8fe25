using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Client.Tests;

/// <summary>Time that is moved, and that tells when somebody begins to wait: only then it makes sense to move it.</summary>
internal sealed class WatchedTime(DateTimeOffset start) : FakeTimeProvider(start)
{
    private readonly Lock _gate = new();
    private readonly List<TimeSpan> _waits = [];
    private readonly SemaphoreSlim _changed = new(0);

    /// <summary>Waits until somebody has begun to wait for just so long, so many times since the beginning.</summary>
    public async Task WhenWaitedForAsync(TimeSpan wait, CancellationToken cancellationToken, int times = 1)
    {
        while (CountOf(wait) < times)
            await _changed.WaitAsync(cancellationToken);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        lock (_gate)
            _waits.Add(dueTime);
        _changed.Release();
        return timer;
    }

    private int CountOf(TimeSpan wait)
    {
        lock (_gate)
            return _waits.Count(begun => begun == wait);
    }
}
