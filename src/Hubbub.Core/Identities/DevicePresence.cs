using System.Collections.Concurrent;

namespace Hubbub.Core.Identities;

/// <summary>
/// Which devices and modules are connected now and when they were last heard of. In memory only: after a start nobody
/// is connected. Safe for concurrent use.
/// </summary>
public sealed class DevicePresence : IDisposable
{
    private readonly TimeProvider _time;
    private readonly IDisposable _subscription;

    // Bounded by the identities that exist: only registered ones connect, and a deletion removes the entry.
    private readonly ConcurrentDictionary<(string DeviceId, string? ModuleId), Entry> _entries = new();

    public DevicePresence(IdentityRegistry registry, TimeProvider time)
    {
        _time = time;
        _subscription = registry.Subscribe(change =>
        {
            if (change.Kind == IdentityChangeKind.Deleted)
                _entries.TryRemove((change.DeviceId, change.ModuleId), out _);
        });
    }

    /// <summary>
    /// Says that a link of the identity has opened; disposing what is returned says that it has closed. The identity is
    /// connected while at least one is open.
    /// </summary>
    public IDisposable Connect(string deviceId, string? moduleId)
    {
        var entry = _entries.GetOrAdd((deviceId, moduleId), _ => new Entry());
        entry.Add(1, _time.GetUtcNow());
        return new Connection(this, entry);
    }

    /// <summary>What is known of an identity; all absent when it never connected.</summary>
    public PresenceState StateOf(string deviceId, string? moduleId) =>
        _entries.TryGetValue((deviceId, moduleId), out var entry) ? entry.State : default;

    /// <summary>How many devices are connected; modules do not count.</summary>
    public int ConnectedDeviceCount => _entries.Count(e => e.Key.ModuleId is null && e.Value.State.IsConnected);

    public void Dispose() => _subscription.Dispose();

    private sealed class Entry
    {
        private readonly Lock _lock = new();
        private int _links;
        private DateTimeOffset _changedAt;
        private DateTimeOffset _activeAt;

        public PresenceState State
        {
            get
            {
                lock (_lock)
                    return new PresenceState(_links > 0, _changedAt, _activeAt);
            }
        }

        public void Add(int links, DateTimeOffset now)
        {
            lock (_lock)
            {
                if (_links == 0 || _links + links == 0)
                    _changedAt = now;
                _links += links;
                _activeAt = now;
            }
        }
    }

    private sealed class Connection(DevicePresence owner, Entry entry) : IDisposable
    {
        private int _isClosed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isClosed, 1) == 0)
                entry.Add(-1, owner._time.GetUtcNow());
        }
    }
}

/// <summary>Whether an identity is connected, since when, and when it was last heard of (null: never).</summary>
public readonly record struct PresenceState(bool IsConnected, DateTimeOffset? ChangedAt, DateTimeOffset? ActiveAt);
