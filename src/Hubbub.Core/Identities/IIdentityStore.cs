namespace Hubbub.Core.Identities;

/// <summary>Keeps identities durably. Safe for concurrent use.</summary>
public interface IIdentityStore
{
    /// <summary>Everything that is stored; called once, before the first write.</summary>
    ValueTask<IdentitySnapshot> LoadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes the records in order, all or none; completes when they are on stable storage. Concurrent calls may share
    /// one transaction. A call that was cancelled has written nothing.
    /// </summary>
    /// <returns>Null when the writes are durable, else why nothing was written (a full disk).</returns>
    ValueTask<HubError?> WriteAsync(IReadOnlyList<IdentityWrite> writes, CancellationToken cancellationToken);
}

/// <summary>All identities, in no order.</summary>
public sealed record IdentitySnapshot(
    IReadOnlyList<DeviceIdentity> Devices, IReadOnlyList<ModuleIdentity> Modules);

/// <summary>One write of an identity store. The cases below are all there are.</summary>
public abstract record IdentityWrite
{
    private IdentityWrite()
    {
    }

    /// <summary>Inserts or replaces a device.</summary>
    public sealed record PutDevice(DeviceIdentity Device) : IdentityWrite;

    /// <summary>Inserts or replaces a module.</summary>
    public sealed record PutModule(ModuleIdentity Module) : IdentityWrite;

    /// <summary>Deletes a device with all its modules.</summary>
    public sealed record DeleteDevice(string DeviceId) : IdentityWrite;

    /// <summary>Deletes one module.</summary>
    public sealed record DeleteModule(string DeviceId, string ModuleId) : IdentityWrite;
}
