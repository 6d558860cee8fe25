namespace Hubbub.Core.Identities;

/// <summary>Keeps identities durably. Safe for concurrent use.</summary>
public interface IIdentityStore
{
    /// <summary>Encrypts and decrypts the keys of identities.</summary>
    IKeyProtector KeyProtector { get; }

    /// <summary>
    /// Gives all devices to <paramref name="loader"/>, then all modules; called once, before the first write.
    /// </summary>
    ValueTask LoadAsync(IIdentityLoader loader, CancellationToken cancellationToken);

    /// <summary>
    /// Writes the records in order, all or none; completes when they are on stable storage. Concurrent calls may share
    /// one transaction. A call that was cancelled has written nothing.
    /// </summary>
    /// <returns>Null when the writes are durable, else why nothing was written (a full disk).</returns>
    ValueTask<HubError?> WriteAsync(IReadOnlyList<IdentityWrite> writes, CancellationToken cancellationToken);
}

/// <summary>
/// One write of an identity store. The cases below are all there are. A number is the registry's own name of a record:
/// dense from 0, one sequence for devices and one for modules, given again after a deletion. A store may use it as its
/// key, which makes storing many identities a matter of appending.
/// </summary>
public abstract record IdentityWrite
{
    private IdentityWrite()
    {
    }

    /// <summary>Inserts or replaces a device.</summary>
    /// <param name="Keys">Its keys, protected; empty when it has none.</param>
    public sealed record PutDevice(int Number, DeviceIdentity Device, ReadOnlyMemory<byte> Keys) : IdentityWrite;

    /// <summary>Inserts or replaces a module.</summary>
    /// <param name="Keys">Its keys, protected; empty when it has none.</param>
    public sealed record PutModule(int Number, ModuleIdentity Module, ReadOnlyMemory<byte> Keys) : IdentityWrite;

    /// <summary>Deletes a device; its modules are deleted by writes of their own.</summary>
    public sealed record DeleteDevice(int Number) : IdentityWrite;

    /// <summary>Deletes one module.</summary>
    public sealed record DeleteModule(int Number) : IdentityWrite;
}
