using Hubbub.Server.Tests.Amqp.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Routing.Sinks;

/// <summary>A clock that the test moves, once it has seen that the subject waits for it.</summary>
internal sealed class WatchedTime(DateTimeOffset start) : FakeTimeProvider(start)
{
    private readonly List<TimeSpan> _waits = [];
    private readonly Signal _armed = new();

    /// <summary>Waits until a timer of this length has been set.</summary>
    public Task WhenArmedAsync(TimeSpan wait) => _armed.UntilAsync(
        () =>
        {
            lock (_waits)
                return _waits.Contains(wait) ? this : null;
        },
        () => $"a timer of {wait}");

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        lock (_waits)
            _waits.Add(dueTime);
        _armed.Set();
        return timer;
    }
}
