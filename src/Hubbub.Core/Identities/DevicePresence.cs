using System.Collections.Concurrent;

namespace Hubbub.Core.Identities;

/// <summary>
/// Which devices and modules are connected now and when they were last heard of. After a start nobody is connected;
/// what was known before comes back from the store (<see cref="ActivityRecorder"/>). Safe for concurrent use.
/// </summary>
public sealed class DevicePresence : IDisposable
{
    private readonly TimeProvider _time;
    private readonly IDisposable _subscription;

    // Bounded by the identities that exist: only registered ones connect, and a deletion removes the entry.
    private readonly ConcurrentDictionary<string, Entry> _devices = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Entry> _changed = new();
    private int _connectedDevices;

    public DevicePresence(IdentityRegistry registry, TimeProvider time)
    {
        _time = time;
        _subscription = registry.Subscribe(change =>
        {
            if (change.Kind == IdentityChangeKind.Deleted)
                Forget(change.DeviceId, change.ModuleId);
        });
    }

    /// <summary>
    /// Says that a link of the identity has opened; disposing what is returned says that it has closed. The identity is
    /// connected while at least one is open.
    /// </summary>
    public Connection Connect(string deviceId, string? moduleId)
    {
        var entry = EntryOf(deviceId, moduleId);
        Add(entry, 1);
        return new Connection(this, entry);
    }

    /// <summary>Says that the identity was heard of, connected or not.</summary>
    public void Touch(string deviceId, string? moduleId) => Touch(EntryOf(deviceId, moduleId));

    /// <summary>What is known of an identity; all absent when it was never heard of.</summary>
    public PresenceState StateOf(string deviceId, string? moduleId) =>
        Find(deviceId, moduleId)?.State ?? default;

    /// <summary>How many devices are connected; modules do not count.</summary>
    public int ConnectedDeviceCount => Volatile.Read(ref _connectedDevices);

    public void Dispose() => _subscription.Dispose();

    /// <summary>
    /// Puts in what was stored before a restart, where nothing newer is known. Who was connected then is not any more:
    /// as far as anybody can tell since now.
    /// </summary>
    internal void Restore(IEnumerable<StoredActivity> stored)
    {
        var now = _time.GetUtcNow();
        foreach (var activity in stored)
        {
            var entry = EntryOf(activity.DeviceId, activity.ModuleId);
            entry.Restore(activity.IsConnected ? now : activity.ChangedAt, activity.ActiveAt);
            if (activity.IsConnected)
                Note(entry);
        }
    }

    /// <summary>Takes up to so many identities whose state has changed since it was taken last.</summary>
    /// <returns>Their states; null for an identity that is gone.</returns>
    internal List<(string DeviceId, string? ModuleId, PresenceState? State)> TakeChanged(int countMax)
    {
        var taken = new List<(string, string?, PresenceState?)>();
        while (taken.Count < countMax && _changed.TryDequeue(out var entry))
        {
            entry.Unmark();
            var current = Find(entry.DeviceId, entry.ModuleId);
            // A newer entry of the same identity speaks for itself.
            if (current == entry || current is null)
                taken.Add((entry.DeviceId, entry.ModuleId, current?.State));
        }
        return taken;
    }

    /// <summary>What was taken could not be stored: it has still changed.</summary>
    internal void PutBack(IEnumerable<(string DeviceId, string? ModuleId, PresenceState? State)> taken)
    {
        foreach (var (deviceId, moduleId, state) in taken)
        {
            if (Find(deviceId, moduleId) is { } entry)
                Note(entry);
            else if (state is null)
                Note(new Entry(deviceId, moduleId));
        }
    }

    private Entry EntryOf(string deviceId, string? moduleId)
    {
        var device = _devices.GetOrAdd(deviceId, static id => new Entry(id, null));
        return moduleId is null ? device : device.Module(moduleId, mayMake: true)!;
    }

    private Entry? Find(string deviceId, string? moduleId)
    {
        if (!_devices.TryGetValue(deviceId, out var device))
            return null;
        return moduleId is null ? device : device.Module(moduleId, mayMake: false);
    }

    /// <summary>An identity is gone, and with a device its modules.</summary>
    private void Forget(string deviceId, string? moduleId)
    {
        if (moduleId is not null)
        {
            if (_devices.TryGetValue(deviceId, out var owner) && owner.Remove(moduleId) is { } module)
                Note(module);
            return;
        }
        if (!_devices.TryRemove(deviceId, out var device))
            return;
        if (device.Leave())
            Interlocked.Decrement(ref _connectedDevices);
        Note(device);
        foreach (var each in device.RemoveModules())
            Note(each);
    }

    private void Add(Entry entry, int links)
    {
        var change = entry.Add(links, _time.GetUtcNow());
        if (change != 0 && entry.ModuleId is null)
            Interlocked.Add(ref _connectedDevices, change);
        Note(entry);
    }

    private void Touch(Entry entry)
    {
        entry.Touch(_time.GetUtcNow());
        Note(entry);
    }

    private void Note(Entry entry)
    {
        if (entry.Mark())
            _changed.Enqueue(entry);
    }

    /// <summary>One link of an identity, open until it is disposed.</summary>
    public sealed class Connection : IDisposable
    {
        private readonly DevicePresence _owner;
        private readonly Entry _entry;
        private int _isClosed;

        internal Connection(DevicePresence owner, Entry entry) => (_owner, _entry) = (owner, entry);

        /// <summary>Says that something was heard over the link. Takes a lock that is hardly ever contended.</summary>
        public void Touch() => _owner.Touch(_entry);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isClosed, 1) != 0)
                return;
            _owner.Add(_entry, -1);
        }
    }

    // There may be a million of them, so each is its own lock, and keeps times as ticks (0: never).
    internal sealed class Entry(string deviceId, string? moduleId)
    {
        private int _links;
        private int _isMarked;
        private bool _isGone;
        private long _changedTicks;
        private long _activeTicks;
        private List<Entry>? _modules;

        public string DeviceId => deviceId;

        public string? ModuleId => moduleId;

        public PresenceState State
        {
            get
            {
                lock (this)
                    return new PresenceState(_links > 0, Time(_changedTicks), Time(_activeTicks));
            }
        }

        /// <returns>
        /// 1 when it is connected by this, -1 when it is not any more, 0 when nothing to count changed.
        /// </returns>
        public int Add(int links, DateTimeOffset now)
        {
            lock (this)
            {
                var wasConnected = _links > 0;
                _links += links;
                _activeTicks = now.UtcTicks;
                if (wasConnected == _links > 0)
                    return 0;
                _changedTicks = now.UtcTicks;
                return _isGone ? 0 : wasConnected ? -1 : 1;
            }
        }

        /// <summary>The identity is gone, and its links count no more; true when it had some.</summary>
        public bool Leave()
        {
            lock (this)
            {
                _isGone = true;
                return _links > 0;
            }
        }

        public void Touch(DateTimeOffset now)
        {
            lock (this)
                _activeTicks = now.UtcTicks;
        }

        public void Restore(DateTimeOffset? changedAt, DateTimeOffset? activeAt)
        {
            lock (this)
            {
                _changedTicks = _changedTicks == 0 ? changedAt?.UtcTicks ?? 0 : _changedTicks;
                _activeTicks = _activeTicks == 0 ? activeAt?.UtcTicks ?? 0 : _activeTicks;
            }
        }

        public Entry? Module(string moduleId, bool mayMake)
        {
            lock (this)
            {
                var module = _modules?.Find(m => m.ModuleId == moduleId);
                if (module is null && mayMake)
                    (_modules ??= new(1)).Add(module = new Entry(deviceId, moduleId));
                return module;
            }
        }

        public Entry? Remove(string moduleId)
        {
            lock (this)
            {
                var module = _modules?.Find(m => m.ModuleId == moduleId);
                if (module is not null)
                    _modules!.Remove(module);
                return module;
            }
        }

        public List<Entry> RemoveModules()
        {
            lock (this)
            {
                var modules = _modules ?? [];
                _modules = null;
                return modules;
            }
        }

        /// <summary>True for the first call since <see cref="Unmark"/>.</summary>
        public bool Mark() => Volatile.Read(ref _isMarked) == 0 && Interlocked.Exchange(ref _isMarked, 1) == 0;

        public void Unmark() => Volatile.Write(ref _isMarked, 0);

        private static DateTimeOffset? Time(long ticks) => ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
    }
}

/// <summary>Whether an identity is connected, since when, and when it was last heard of (null: never).</summary>
public readonly record struct PresenceState(bool IsConnected, DateTimeOffset? ChangedAt, DateTimeOffset? ActiveAt);
