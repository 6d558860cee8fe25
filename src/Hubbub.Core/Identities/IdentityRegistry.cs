using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hubbub.Core.Identities;

/// <summary>
/// The hub's devices and modules. All of them are in memory, so that looking one up costs no I/O; every change is on
/// stable storage before it is visible and before its call completes. Changes of one device are serialised, those of
/// different devices run together and may share a transaction. Safe for concurrent use.
/// </summary>
public sealed partial class IdentityRegistry
{
    private const int Stripes = 64; // Far above the number of writers that wait for one disk at a time.

    private readonly IIdentityStore _store;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, DeviceEntry> _devices;
    private readonly ConcurrentDictionary<string, DeviceEntry>.AlternateLookup<ReadOnlySpan<char>> _byId;
    private readonly SemaphoreSlim[] _locks = [.. Enumerable.Range(0, Stripes).Select(_ => new SemaphoreSlim(1, 1))];
    private ImmutableArray<Action<IdentityChange>> _listeners = [];
    private int _deviceCount;
    private long _lastGeneration;

    private IdentityRegistry(IIdentityStore store, TimeProvider time, IdentitySnapshot snapshot)
    {
        (_store, _time) = (store, time);
        var modules = snapshot.Modules.ToLookup(m => m.DeviceId, StringComparer.Ordinal);
        _devices = new(
            snapshot.Devices.Select(d => KeyValuePair.Create(d.DeviceId, new DeviceEntry(d, [.. modules[d.DeviceId]]))),
            StringComparer.Ordinal);
        _byId = _devices.GetAlternateLookup<ReadOnlySpan<char>>();
        _deviceCount = snapshot.Devices.Count;
        _lastGeneration = snapshot.Devices.Select(d => d.GenerationId)
            .Concat(snapshot.Modules.Select(m => m.GenerationId))
            .Select(g => long.TryParse(g, CultureInfo.InvariantCulture, out var ticks) ? ticks : 0)
            .Aggregate(0L, Math.Max);
    }

    /// <summary>How many devices are registered.</summary>
    public int DeviceCount => Volatile.Read(ref _deviceCount);

    /// <summary>Loads every identity from the store.</summary>
    public static async ValueTask<IdentityRegistry> OpenAsync(
        IIdentityStore store, TimeProvider time, CancellationToken cancellationToken) =>
        new(store, time, await store.LoadAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// The device of that id, compared ordinally; null when there is none. Neither blocks nor allocates.
    /// </summary>
    public DeviceIdentity? FindDevice(ReadOnlySpan<char> deviceId) => FindEntry(deviceId)?.Device;

    /// <summary>The module of that id; null when there is none.</summary>
    public ModuleIdentity? FindModule(ReadOnlySpan<char> deviceId, ReadOnlySpan<char> moduleId) =>
        FindEntry(deviceId)?.FindModule(moduleId);

    /// <summary>The generation of a device or, with an id, of its module; null when it is not registered.</summary>
    public string? GenerationOf(string deviceId, string? moduleId) => moduleId is null
        ? FindDevice(deviceId)?.GenerationId
        : FindModule(deviceId, moduleId)?.GenerationId;

    /// <summary>The device, or DeviceNotFound.</summary>
    public HubResult<DeviceIdentity> GetDevice(string deviceId) =>
        FindDevice(deviceId) is { } device ? device : NotFound(deviceId);

    /// <summary>The module, or DeviceNotFound, or ModuleNotFound.</summary>
    public HubResult<ModuleIdentity> GetModule(string deviceId, string moduleId)
    {
        if (FindEntry(deviceId) is not { } entry)
            return NotFound(deviceId);
        return entry.FindModule(moduleId) is { } module ? module : NotFound(deviceId, moduleId);
    }

    /// <summary>The first <paramref name="top"/> devices in the order of their ids.</summary>
    public IReadOnlyList<DeviceIdentity> ListDevices(int top)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(top, IdentityLimits.ListMax);
        return ListDevicesAfter(null, top);
    }

    /// <summary>Up to <paramref name="count"/> devices whose ids come after one, in the order of their ids.</summary>
    /// <param name="afterId">The last id that is known already; null to begin.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<DeviceIdentity> ListDevicesAfter(string? afterId, int count)
    {
        // The queue's head is the greatest of the smallest seen so far.
        var smallest = new PriorityQueue<DeviceIdentity, string>(
            Comparer<string>.Create(static (a, b) => string.CompareOrdinal(b, a)));
        foreach (var (id, entry) in _devices)
        {
            if (afterId is not null && string.CompareOrdinal(id, afterId) <= 0)
                continue;
            if (smallest.Count < count)
                smallest.Enqueue(entry.Device, id);
            else
                smallest.EnqueueDequeue(entry.Device, id);
        }
        var found = new DeviceIdentity[smallest.Count];
        for (var i = found.Length - 1; i >= 0; i--)
            found[i] = smallest.Dequeue();
        return found;
    }

    /// <summary>How many devices are disabled.</summary>
    public int CountDisabled() => _devices.Count(static e => !e.Value.Device.IsEnabled);

    /// <summary>The device's modules in the order of their ids, or DeviceNotFound.</summary>
    public HubResult<IReadOnlyList<ModuleIdentity>> ListModules(string deviceId)
    {
        if (FindEntry(deviceId) is not { } entry)
            return NotFound(deviceId);
        ModuleIdentity[] modules = [.. entry.Modules.OrderBy(m => m.ModuleId, StringComparer.Ordinal)];
        return modules;
    }

    /// <summary>
    /// Calls <paramref name="listener"/> after each change, on the changing call's thread, until disposed. The listener
    /// must return at once, must not throw, and must not wait for another change.
    /// </summary>
    public IDisposable Subscribe(Action<IdentityChange> listener)
    {
        ImmutableInterlocked.Update(ref _listeners, (all, added) => all.Add(added), listener);
        return new Subscription(() =>
            ImmutableInterlocked.Update(ref _listeners, (all, removed) => all.Remove(removed), listener));
    }

    /// <summary>Every device with its modules, in no order, while changes go on.</summary>
    internal IEnumerable<DeviceEntry> Entries => _devices.Select(static pair => pair.Value);

    internal DeviceEntry? FindEntry(ReadOnlySpan<char> deviceId) =>
        _byId.TryGetValue(deviceId, out var entry) ? entry : null;

    private static HubError NotFound(string deviceId) =>
        new(HubErrorCode.DeviceNotFound, $"The device '{deviceId}' is not registered.");

    private static HubError NotFound(string deviceId, string moduleId) =>
        new(HubErrorCode.ModuleNotFound, $"The module '{moduleId}' of device '{deviceId}' is not registered.");

    private static HubError? Check(IfMatch condition, string etag, string what) => condition.Matches(etag)
        ? null
        : new HubError(
            HubErrorCode.PreconditionFailed,
            $"Precondition failed: {what} version did not match, existingVersion:{etag} newVersion:{condition}");

    /// <summary>
    /// A new ETag: base64 of a random nine-digit number, so that a re-created record never has an old one's.
    /// </summary>
    private static string NextETag() => Convert.ToBase64String(
        Encoding.ASCII.GetBytes(RandomNumberGenerator.GetInt32(100_000_000, 1_000_000_000)
            .ToString(CultureInfo.InvariantCulture)));

    /// <summary>A new generation: the clock's ticks (18 digits until the year 3168), made strictly rising.</summary>
    private string NextGeneration()
    {
        while (true)
        {
            var last = Volatile.Read(ref _lastGeneration);
            var next = Math.Max(last + 1, _time.GetUtcNow().Ticks);
            if (Interlocked.CompareExchange(ref _lastGeneration, next, last) == last)
                return next.ToString("D18", CultureInfo.InvariantCulture);
        }
    }

    private void Publish(IdentityChange change)
    {
        foreach (var listener in _listeners)
            listener(change);
    }

    private async ValueTask<HubResult<T>> ExclusivelyAsync<T>(
        string deviceId, Func<ValueTask<HubResult<T>>> change, CancellationToken cancellationToken)
    {
        var stripe = _locks[(uint)string.GetHashCode(deviceId, StringComparison.Ordinal) % Stripes];
        await stripe.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await change().ConfigureAwait(false);
        }
        finally
        {
            stripe.Release();
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
