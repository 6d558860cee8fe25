using Hubbub.Core.Events;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>What a dispatcher has done and how its endpoint does. Safe for use from any thread.</summary>
internal sealed class EndpointProgress(
    string name, IEventPartition partition, DispatchOptions options, TimeProvider time, IDispatchObserver observer)
{
    private readonly Lock _gate = new();
    private EndpointHealth _health;
    private string? _lastError;
    private DateTimeOffset? _lastErrorAt;
    private DateTimeOffset? _failingSince;
    private DateTimeOffset? _lastDeliveredAt;
    private long _sequenceNumber = -1;
    private long _oldestWaitingMs;
    private long _delivered;
    private long _failedAttempts;
    private long _deadLettered;
    private long _lost;

    /// <summary>The last event that is done with; -1: none.</summary>
    public long SequenceNumber
    {
        get
        {
            lock (_gate)
                return _sequenceNumber;
        }
    }

    public void StartedAt(long sequenceNumber)
    {
        lock (_gate)
            _sequenceNumber = sequenceNumber;
    }

    /// <summary>Sets since when the oldest event waits that is not done with; 0: none does.</summary>
    public void Waiting(long oldestTimeMs)
    {
        lock (_gate)
            _oldestWaitingMs = oldestTimeMs;
    }

    public void Delivered(int count, long lastSequenceNumber)
    {
        lock (_gate)
        {
            _delivered += count;
            _sequenceNumber = lastSequenceNumber;
            _lastDeliveredAt = time.GetUtcNow();
        }
        Succeeded();
    }

    /// <summary>The other side does its part.</summary>
    public void Succeeded()
    {
        bool isNews;
        lock (_gate)
        {
            _failingSince = null;
            isNews = _health != EndpointHealth.Healthy;
            _health = EndpointHealth.Healthy;
        }
        if (isNews)
            observer.OnHealthChanged(name, EndpointHealth.Healthy, null);
    }

    public void Failed(string reason)
    {
        EndpointHealth health;
        bool isNews;
        lock (_gate)
        {
            var now = time.GetUtcNow();
            _failedAttempts++;
            (_lastError, _lastErrorAt) = (Shortened(reason), now);
            _failingSince ??= now;
            health = now - _failingSince >= options.DeadAfter ? EndpointHealth.Dead : EndpointHealth.Unhealthy;
            isNews = _health != health;
            _health = health;
        }
        if (isNews)
            observer.OnHealthChanged(name, health, Shortened(reason));
    }

    public void DeadLettered(int count, long lastSequenceNumber, string reason)
    {
        lock (_gate)
        {
            _deadLettered += count;
            _sequenceNumber = lastSequenceNumber;
        }
        observer.OnDeadLettered(name, lastSequenceNumber - count + 1, count, Shortened(reason));
    }

    public void Lost(long firstSequenceNumber, long count)
    {
        lock (_gate)
            _lost += count;
        observer.OnLost(name, firstSequenceNumber, count);
    }

    public EndpointStatus Look()
    {
        var state = partition.State;
        lock (_gate)
        {
            var lag = Math.Max(0, state.LastSequenceNumber - _sequenceNumber);
            var age = lag == 0 || _oldestWaitingMs == 0
                ? 0
                : Math.Max(0, time.GetUtcNow().ToUnixTimeMilliseconds() - _oldestWaitingMs);
            return new EndpointStatus(
                name, _health, _lastError, _lastErrorAt, _lastDeliveredAt, _sequenceNumber, lag, age, _delivered,
                _failedAttempts, _deadLettered, _lost);
        }
    }

    private static string Shortened(string reason) =>
        reason.Length <= DispatchLimits.ReasonLengthMax ? reason : reason[..DispatchLimits.ReasonLengthMax];
}
