namespace Hubbub.Core.Identities;

/// <summary>What happened to an identity.</summary>
public enum IdentityChangeKind
{
    Created,

    /// <summary>Changed in a way that no live connection depends on.</summary>
    Updated,
    Enabled,
    Disabled,

    /// <summary>At least one former key is no longer valid, or the kind of authentication changed.</summary>
    CredentialsChanged,
    Deleted,
}

/// <summary>
/// A durable change of one identity. For a deleted device its modules are not named one by one.
/// </summary>
/// <param name="ModuleId">Null when the device itself changed.</param>
/// <param name="GenerationId">The generation that the change is about (for a deletion, the one that is gone).</param>
public readonly record struct IdentityChange(
    IdentityChangeKind Kind, string DeviceId, string? ModuleId, string GenerationId);
