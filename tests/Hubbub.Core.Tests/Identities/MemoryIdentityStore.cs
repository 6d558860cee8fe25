using Hubbub.Core.Identities;

namespace Hubbub.Core.Tests.Identities;

/// <summary>A store that keeps what was written in memory, and can be made to wait or to be full.</summary>
internal sealed class MemoryIdentityStore : IIdentityStore, IHubSettingsStore
{
    private readonly List<ConsumerGroup> _groups = [];
    private HubSettings? _settings;

    public List<IdentityWrite> Writes { get; } = [];

    public List<DeviceIdentity> Devices { get; } = [];

    public bool IsFull { get; set; }

    /// <summary>When set, a write completes no earlier than this.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public ValueTask<IdentitySnapshot> LoadAsync(CancellationToken cancellationToken)
    {
        var devices = Devices.ToDictionary(d => d.DeviceId);
        var modules = new Dictionary<(string, string), ModuleIdentity>();
        foreach (var write in Writes)
        {
            switch (write)
            {
                case IdentityWrite.PutDevice put:
                    devices[put.Device.DeviceId] = put.Device;
                    break;
                case IdentityWrite.PutModule put:
                    modules[(put.Module.DeviceId, put.Module.ModuleId)] = put.Module;
                    break;
                case IdentityWrite.DeleteModule delete:
                    modules.Remove((delete.DeviceId, delete.ModuleId));
                    break;
                case IdentityWrite.DeleteDevice delete:
                    devices.Remove(delete.DeviceId);
                    foreach (var key in modules.Keys.Where(k => k.Item1 == delete.DeviceId).ToArray())
                        modules.Remove(key);
                    break;
            }
        }
        return new(new IdentitySnapshot([.. devices.Values], [.. modules.Values]));
    }

    public async ValueTask<HubError?> WriteAsync(IReadOnlyList<IdentityWrite> writes, CancellationToken cancellationToken)
    {
        await Gate;
        if (IsFull)
            return Full;
        lock (Writes)
            Writes.AddRange(writes);
        return null;
    }

    public ValueTask<HubSettings?> LoadSettingsAsync(CancellationToken cancellationToken) => new(_settings);

    public ValueTask<HubError?> SaveSettingsAsync(HubSettings settings, CancellationToken cancellationToken)
    {
        _settings = settings;
        return default;
    }

    public ValueTask<IReadOnlyList<ConsumerGroup>> LoadConsumerGroupsAsync(CancellationToken cancellationToken) =>
        new([.. _groups]);

    public ValueTask<HubError?> PutConsumerGroupAsync(ConsumerGroup group, CancellationToken cancellationToken)
    {
        if (IsFull)
            return new(Full);
        _groups.Add(group);
        return default;
    }

    public ValueTask<HubError?> DeleteConsumerGroupAsync(ConsumerGroup group, CancellationToken cancellationToken)
    {
        _groups.Remove(group);
        return default;
    }

    private static HubError Full => new(HubErrorCode.StorageFull, "The change was not stored: the disk is full.");
}
