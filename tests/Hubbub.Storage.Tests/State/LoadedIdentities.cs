using System.Text;
using Hubbub.Core.Identities;

namespace Hubbub.Storage.Tests.State;

/// <summary>What a store holds, as the objects that were written.</summary>
internal sealed class LoadedIdentities : IIdentityLoader
{
    private readonly IKeyProtector _protector;

    private LoadedIdentities(IKeyProtector protector) => _protector = protector;

    public List<DeviceIdentity> Devices { get; } = [];

    public List<ModuleIdentity> Modules { get; } = [];

    public static async Task<LoadedIdentities> OfAsync(IIdentityStore store, CancellationToken cancellationToken)
    {
        var loaded = new LoadedIdentities(store.KeyProtector);
        await store.LoadAsync(loaded, cancellationToken);
        return loaded;
    }

    void IIdentityLoader.Expect(int devices, int modules)
    {
    }

    void IIdentityLoader.LoadDevice(int number, in StoredIdentity device)
    {
        var owner = new KeyOwner(Text(device.DeviceId)!, null, Text(device.GenerationId)!);
        Devices.Add(new DeviceIdentity
        {
            DeviceId = owner.DeviceId,
            GenerationId = owner.GenerationId,
            ETag = Text(device.ETag)!,
            Status = device.Status,
            StatusReason = Text(device.StatusReason),
            StatusUpdatedTime = device.StatusUpdatedTicks == 0 ? null : new(device.StatusUpdatedTicks, TimeSpan.Zero),
            Authentication = AuthenticationOf(device, owner),
            IotEdge = device.IotEdge,
            DeviceScope = Text(device.DeviceScope),
            ParentScopes = Text(device.ParentScopes) is { } scopes ? [.. scopes.Split('\n')] : [],
        });
    }

    void IIdentityLoader.LoadModule(int number, in StoredIdentity module)
    {
        var owner = new KeyOwner(Text(module.DeviceId)!, Text(module.ModuleId), Text(module.GenerationId)!);
        Modules.Add(new ModuleIdentity
        {
            DeviceId = owner.DeviceId,
            ModuleId = owner.ModuleId!,
            GenerationId = owner.GenerationId,
            ETag = Text(module.ETag)!,
            Authentication = AuthenticationOf(module, owner),
            ManagedBy = Text(module.ManagedBy),
        });
    }

    private IdentityAuthentication AuthenticationOf(in StoredIdentity stored, KeyOwner owner) => new()
    {
        Type = stored.AuthenticationType,
        Keys = stored.Keys.IsEmpty ? null : _protector.Unprotect(stored.Keys, owner),
        PrimaryThumbprint = Text(stored.PrimaryThumbprint),
        SecondaryThumbprint = Text(stored.SecondaryThumbprint),
    };

    private static string? Text(ReadOnlySpan<byte> text) => text.IsEmpty ? null : Encoding.UTF8.GetString(text);
}
