using System.Text;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Identities;

/// <summary>A store that keeps what was written in memory, and can be made to wait or to be full.</summary>
internal sealed class MemoryIdentityStore : IIdentityStore, IHubSettingsStore
{
    private readonly List<ConsumerGroup> _groups = [];
    private HubSettings? _settings;

    public List<IdentityWrite> Writes { get; } = [];

    public bool IsFull { get; set; }

    /// <summary>When set, a write completes no earlier than this.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public IKeyProtector KeyProtector { get; } = new PlainProtector();

    public ValueTask LoadAsync(IIdentityLoader loader, CancellationToken cancellationToken)
    {
        var devices = new Dictionary<int, IdentityWrite.PutDevice>();
        var modules = new Dictionary<int, IdentityWrite.PutModule>();
        foreach (var write in Writes)
        {
            switch (write)
            {
                case IdentityWrite.PutDevice put:
                    devices[put.Number] = put;
                    break;
                case IdentityWrite.PutModule put:
                    modules[put.Number] = put;
                    break;
                case IdentityWrite.DeleteModule delete:
                    Assert.True(modules.Remove(delete.Number));
                    break;
                case IdentityWrite.DeleteDevice delete:
                    Assert.True(devices.Remove(delete.Number));
                    break;
            }
        }
        foreach (var put in devices.Values.OrderBy(p => p.Number))
            Load(loader, put);
        foreach (var put in modules.Values.OrderBy(p => p.Number))
            Load(loader, put);
        return default;
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

    private static void Load(IIdentityLoader loader, IdentityWrite.PutDevice put) => loader.LoadDevice(
        put.Number,
        new StoredIdentity
        {
            DeviceId = Utf8(put.Device.DeviceId),
            GenerationId = Utf8(put.Device.GenerationId),
            ETag = Utf8(put.Device.ETag),
            AuthenticationType = put.Device.Authentication.Type,
            Keys = put.Keys.Span,
            PrimaryThumbprint = Utf8(put.Device.Authentication.PrimaryThumbprint),
            SecondaryThumbprint = Utf8(put.Device.Authentication.SecondaryThumbprint),
            Status = put.Device.Status,
            StatusReason = Utf8(put.Device.StatusReason),
            StatusUpdatedTicks = put.Device.StatusUpdatedTime?.UtcTicks ?? 0,
            IotEdge = put.Device.IotEdge,
            DeviceScope = Utf8(put.Device.DeviceScope),
            ParentScopes = Utf8(put.Device.ParentScopesText),
        });

    private static void Load(IIdentityLoader loader, IdentityWrite.PutModule put) => loader.LoadModule(
        put.Number,
        new StoredIdentity
        {
            DeviceId = Utf8(put.Module.DeviceId),
            ModuleId = Utf8(put.Module.ModuleId),
            GenerationId = Utf8(put.Module.GenerationId),
            ETag = Utf8(put.Module.ETag),
            AuthenticationType = put.Module.Authentication.Type,
            Keys = put.Keys.Span,
            PrimaryThumbprint = Utf8(put.Module.Authentication.PrimaryThumbprint),
            SecondaryThumbprint = Utf8(put.Module.Authentication.SecondaryThumbprint),
            ManagedBy = Utf8(put.Module.ManagedBy),
        });

    private static byte[] Utf8(string? text) => Encoding.UTF8.GetBytes(text ?? "");

    /// <summary>Encrypts nothing, but notices when keys are read as somebody else's.</summary>
    private sealed class PlainProtector : IKeyProtector
    {
        private readonly List<(SymmetricKeyPair Keys, KeyOwner Owner)> _all = [];

        public byte[] Protect(SymmetricKeyPair keys, KeyOwner owner)
        {
            lock (_all)
            {
                _all.Add((keys, owner));
                return BitConverter.GetBytes(_all.Count - 1);
            }
        }

        public SymmetricKeyPair Unprotect(ReadOnlySpan<byte> ciphertext, KeyOwner owner)
        {
            lock (_all)
            {
                var (keys, of) = _all[BitConverter.ToInt32(ciphertext)];
                return of == owner ? keys : throw new InvalidOperationException($"The keys of {of} were read as {owner}'s.");
            }
        }
    }
}
