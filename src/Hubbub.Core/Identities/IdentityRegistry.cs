using System.Collections.Immutable;
using Hubbub.Core.Identities.Records;

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
    private readonly IdentityIndex _index;
    private readonly IdentityVersions _versions;
    private readonly SemaphoreSlim[] _locks = [.. Enumerable.Range(0, Stripes).Select(_ => new SemaphoreSlim(1, 1))];
    private ImmutableArray<Action<IdentityChange>> _listeners = [];

    private IdentityRegistry(IIdentityStore store, IdentityIndex index, TimeProvider time) =>
        (_store, _index, _versions) = (store, index, new IdentityVersions(time, index.LastGeneration));

    /// <summary>How many devices are registered.</summary>
    public int DeviceCount => _index.DeviceCount;

    /// <summary>How many modules are registered.</summary>
    public int ModuleCount => _index.ModuleCount;

    /// <summary>Loads every identity from the store.</summary>
    /// <exception cref="IOException">The store is damaged.</exception>
    public static async ValueTask<IdentityRegistry> OpenAsync(
        IIdentityStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        var index = new IdentityIndex(store.KeyProtector);
        await store.LoadAsync(index, cancellationToken).ConfigureAwait(false);
        return new IdentityRegistry(store, index, time);
    }

    /// <summary>
    /// The device of that id, compared ordinally; null when there is none. Takes no lock; its keys are decrypted when
    /// they are asked for.
    /// </summary>
    public DeviceIdentity? FindDevice(ReadOnlySpan<char> deviceId) => _index.FindDevice(deviceId, out _);

    /// <summary>The module of that id; null when there is none. As <see cref="FindDevice"/>.</summary>
    public ModuleIdentity? FindModule(ReadOnlySpan<char> deviceId, ReadOnlySpan<char> moduleId) =>
        _index.FindModule(deviceId, moduleId);

    /// <summary>The generation of a device or, with an id, of its module; null when it is not registered.</summary>
    public string? GenerationOf(string deviceId, string? moduleId) => _index.GenerationOf(deviceId, moduleId);

    /// <summary>The device, or DeviceNotFound.</summary>
    public HubResult<DeviceIdentity> GetDevice(string deviceId) =>
        FindDevice(deviceId) is { } device ? device : IdentityBatch.NotFound(deviceId);

    /// <summary>The module, or DeviceNotFound, or ModuleNotFound.</summary>
    public HubResult<ModuleIdentity> GetModule(string deviceId, string moduleId)
    {
        if (FindModule(deviceId, moduleId) is { } module)
            return module;
        return _index.HasDevice(deviceId)
            ? IdentityBatch.NotFound(deviceId, moduleId)
            : IdentityBatch.NotFound(deviceId);
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
    public IReadOnlyList<DeviceIdentity> ListDevicesAfter(string? afterId, int count) =>
        _index.ListDevices(afterId ?? "", count);

    /// <summary>
    /// The devices whose ids come after one, in the order of their ids, read page by page while changes go on: a device
    /// that is there all the time is given once, one that comes or goes may be or not.
    /// </summary>
    /// <param name="afterId">The last id that is known already; null to begin.</param>
    public IEnumerable<DeviceIdentity> DevicesAfter(string? afterId)
    {
        while (ListDevicesAfter(afterId, IdentityLimits.ListMax) is { Count: > 0 } page)
        {
            foreach (var device in page)
                yield return device;
            afterId = page[^1].DeviceId;
        }
    }

    /// <summary>How many devices are disabled.</summary>
    public int CountDisabled() => _index.DisabledDeviceCount;

    /// <summary>The device's modules in the order of their ids, or DeviceNotFound.</summary>
    public HubResult<IReadOnlyList<ModuleIdentity>> ListModules(string deviceId)
    {
        if (FindEntry(deviceId) is not { } entry)
            return IdentityBatch.NotFound(deviceId);
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

    /// <summary>
    /// The devices (without a module id) and modules of the kind <see cref="AuthenticationType.SelfSigned"/>, in no
    /// order, while changes go on.
    /// </summary>
    internal IEnumerable<(string DeviceId, string? ModuleId)> SelfSigned => _index.SelfSigned();

    internal DeviceEntry? FindEntry(ReadOnlySpan<char> deviceId) =>
        _index.FindDevice(deviceId, out var number) is { } device ? new DeviceEntry(_index, number, device) : null;

    private void Publish(IdentityChange change)
    {
        foreach (var listener in _listeners)
            listener(change);
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
