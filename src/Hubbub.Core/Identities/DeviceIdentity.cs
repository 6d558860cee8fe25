using System.Collections.Immutable;

namespace Hubbub.Core.Identities;

/// <summary>One registered device. Immutable: each change makes a new record with a new <see cref="ETag"/>.</summary>
public sealed record DeviceIdentity
{
    public required string DeviceId { get; init; }

    /// <summary>
    /// 18 digits, new whenever an id is registered again: commands of the former device are not for the new one.
    /// </summary>
    public required string GenerationId { get; init; }

    /// <summary>Changes with every change of the record; unquoted.</summary>
    public required string ETag { get; init; }

    public DeviceStatus Status { get; init; }

    public string? StatusReason { get; init; }

    /// <summary>When <see cref="Status"/> last changed; null when it never did.</summary>
    public DateTimeOffset? StatusUpdatedTime { get; init; }

    public required IdentityAuthentication Authentication { get; init; }

    public bool IotEdge { get; init; }

    public string? DeviceScope { get; init; }

    public ImmutableArray<string> ParentScopes { get; init; } = [];

    /// <summary>The parent scopes as they are stored: one text, separated by line feeds; null for none.</summary>
    public string? ParentScopesText => ParentScopes.IsDefaultOrEmpty ? null : string.Join('\n', ParentScopes);

    public bool IsEnabled => Status == DeviceStatus.Enabled;

    public bool Equals(DeviceIdentity? other) =>
        other is not null
        && DeviceId == other.DeviceId
        && GenerationId == other.GenerationId
        && ETag == other.ETag
        && Status == other.Status
        && StatusReason == other.StatusReason
        && StatusUpdatedTime == other.StatusUpdatedTime
        && Authentication.Equals(other.Authentication)
        && IotEdge == other.IotEdge
        && DeviceScope == other.DeviceScope
        && ParentScopes.AsSpan().SequenceEqual(other.ParentScopes.AsSpan());

    public override int GetHashCode() => HashCode.Combine(DeviceId, GenerationId, ETag);
}

/// <summary>One module of a device. It has no status of its own: a disabled device disables its modules.</summary>
public sealed record ModuleIdentity
{
    public required string DeviceId { get; init; }

    public required string ModuleId { get; init; }

    public required string GenerationId { get; init; }

    public required string ETag { get; init; }

    public string? ManagedBy { get; init; }

    public required IdentityAuthentication Authentication { get; init; }
}
