namespace Hubbub.Core.Identities;

/// <summary>What an operation of a batch does; the names are the service's (<c>importMode</c>).</summary>
public enum ImportMode
{
    CreateOrUpdate,
    Create,
    CreateOrUpdateIfMatchETag,
    Update,
    UpdateIfMatchETag,
    Delete,
    DeleteIfMatchETag,
    UpdateTwin,
    UpdateTwinIfMatchETag,
}

/// <summary>One change in a batch, of a device or of a module.</summary>
public sealed record IdentityOperation
{
    public ImportMode Mode { get; init; }

    /// <summary>What is wanted of a device; to delete one, its id is enough. Null for a module.</summary>
    public DeviceDescription? Device { get; init; }

    /// <summary>What is wanted of a module; to delete one, its ids are enough. Null for a device.</summary>
    public ModuleDescription? Module { get; init; }

    /// <summary>For the modes that name the ETag.</summary>
    public IfMatch Condition { get; init; }

    /// <summary>
    /// True when an exported identity comes back. One that is as described already stays as it is, so that an import
    /// can be repeated; and the system modules of an Edge device, which were made with it, take what is described.
    /// </summary>
    public bool IsImport { get; init; }

    /// <summary>The ETag of an identity that is created by this; null for a new one.</summary>
    public string? NewETag { get; init; }

    /// <summary>The device that is changed, or whose module is.</summary>
    public string DeviceId => Device?.DeviceId ?? Module!.DeviceId;
}

/// <summary>What became of an operation.</summary>
/// <param name="Error">Why it was refused; null when it was done.</param>
/// <param name="IsChange">False when it was refused, or had nothing to do.</param>
/// <param name="Device">The device as it is now (or was, when it was deleted).</param>
/// <param name="Module">The module, likewise.</param>
public readonly record struct IdentityOutcome(
    HubError? Error, bool IsChange = false, DeviceIdentity? Device = null, ModuleIdentity? Module = null);
