namespace Hubbub.Core.Tests.Routing.Dispatch;

/// <summary>A clock on which every wait is over at once: it jumps to the end of it, and remembers how long it was.</summary>
internal sealed class JumpingTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<TimeSpan> _waits = [];
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How long was waited, one after the other.</summary>
    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (_lock)
                return [.. _waits];
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
            return _now;
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public void Advance(TimeSpan time)
    {
        lock (_lock)
            _now += time;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime == Timeout.InfiniteTimeSpan)
            return new JumpingTimer(null);
        lock (_lock)
        {
            _waits.Add(dueTime);
            _now += dueTime;
        }
        return new JumpingTimer(() => callback(state));
    }

    private sealed class JumpingTimer : ITimer
    {
        private readonly Task _ring = Task.CompletedTask;
        private volatile bool _isDisposed;

        public JumpingTimer(Action? ring)
        {
            if (ring is null)
                return;
            _ring = Task.Run(() =>
            {
                if (!_isDisposed)
                    ring();
            });
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => _isDisposed = true;

        public ValueTask DisposeAsync()
        {
            _isDisposed = true;
            return new ValueTask(_ring);
        }
    }
}
