using System.Collections.Immutable;
using Hubbub.Core.Security;

namespace Hubbub.Core.Identities;

/// <summary>
/// What a caller asks for when it creates or updates a device. Everything else is the registry's to set.
/// </summary>
public sealed record DeviceDescription
{
    public required string DeviceId { get; init; }

    public DeviceStatus Status { get; init; }

    public string? StatusReason { get; init; }

    /// <summary>
    /// Without it, or without keys, a new device gets random keys and an existing one keeps what it has.
    /// </summary>
    public IdentityAuthentication? Authentication { get; init; }

    public bool IotEdge { get; init; }

    public string? DeviceScope { get; init; }

    public ImmutableArray<string> ParentScopes { get; init; } = [];

    internal HubError? Validate()
    {
        if (!IdentityId.IsValid(DeviceId))
            return IdentityId.Invalid("device id", DeviceId);
        if (StatusReason?.Length > IdentityLimits.StatusReasonLengthMax)
            return Invalid($"the status reason is longer than {IdentityLimits.StatusReasonLengthMax} characters");
        if (ParentScopes.Length > IdentityLimits.ParentScopesMax)
            return Invalid($"{ParentScopes.Length} parent scopes, at most {IdentityLimits.ParentScopesMax} is allowed");
        if (ParentScopes.Append(DeviceScope).Any(s => s?.Length > IdentityLimits.DeviceScopeLengthMax))
            return Invalid($"a scope is longer than {IdentityLimits.DeviceScopeLengthMax} characters");
        return AuthenticationRules.Validate(Authentication, $"device '{DeviceId}'");
    }

    private HubError Invalid(string why) =>
        new(HubErrorCode.ArgumentInvalid, $"The device '{DeviceId}' is not valid: {why}.");
}

/// <summary>What a caller asks for when it creates or updates a module.</summary>
public sealed record ModuleDescription
{
    public required string DeviceId { get; init; }

    public required string ModuleId { get; init; }

    public string? ManagedBy { get; init; }

    /// <summary>
    /// Without it, or without keys, a new module gets random keys and an existing one keeps what it has.
    /// </summary>
    public IdentityAuthentication? Authentication { get; init; }

    internal HubError? Validate()
    {
        if (!IdentityId.IsValid(DeviceId))
            return IdentityId.Invalid("device id", DeviceId);
        if (!IdentityId.IsValid(ModuleId))
            return IdentityId.Invalid("module id", ModuleId);
        if (ManagedBy?.Length > IdentityLimits.IdLengthMax)
            return IdentityId.Invalid("module's managedBy", ManagedBy);
        return AuthenticationRules.Validate(Authentication, $"module '{ModuleId}' of device '{DeviceId}'");
    }
}

/// <summary>Which combinations of kind, keys and thumbprints are an authentication.</summary>
internal static class AuthenticationRules
{
    public static HubError? Validate(IdentityAuthentication? wanted, string whose)
    {
        if (wanted is null)
            return null;
        if (wanted.Type != AuthenticationType.Sas && wanted.Keys is not null)
            return Invalid(whose, $"symmetric keys do not go with the type {wanted.Type}");
        if (wanted.Type != AuthenticationType.SelfSigned)
        {
            return wanted.PrimaryThumbprint is null && wanted.SecondaryThumbprint is null
                ? null
                : Invalid(whose, $"thumbprints do not go with the type {wanted.Type}");
        }
        if (wanted.PrimaryThumbprint is null)
            return Invalid(whose, "the type SelfSigned needs a primary thumbprint");
        if (!IsThumbprint(wanted.PrimaryThumbprint)
            || !IsThumbprint(wanted.SecondaryThumbprint ?? wanted.PrimaryThumbprint))
            return Invalid(whose, "a thumbprint is 40 (SHA-1) or 64 (SHA-256) hexadecimal digits");
        return wanted.SecondaryThumbprint is { } second && second.Length != wanted.PrimaryThumbprint.Length
            ? Invalid(whose, "both thumbprints must be of one kind")
            : null;
    }

    /// <summary>What to store: missing keys are kept from <paramref name="current"/> or generated.</summary>
    public static IdentityAuthentication Complete(IdentityAuthentication? wanted, IdentityAuthentication? current)
    {
        wanted ??= current ?? new IdentityAuthentication();
        return wanted is { Type: AuthenticationType.Sas, Keys: null }
            ? wanted with { Keys = current?.Keys ?? SymmetricKeyPair.Generate() }
            : wanted;
    }

    /// <summary>True when something that proved the identity before does not prove it any more.</summary>
    public static bool Revokes(IdentityAuthentication before, IdentityAuthentication after)
    {
        if (before.Type != after.Type)
            return true;
        if (before.Keys is { } keys && !(after.Keys!.Contains(keys.Primary) & after.Keys.Contains(keys.Secondary)))
            return true;
        return Lost(before.PrimaryThumbprint) || Lost(before.SecondaryThumbprint);

        bool Lost(string? thumbprint) => thumbprint is not null
            && !thumbprint.Equals(after.PrimaryThumbprint, StringComparison.OrdinalIgnoreCase)
            && !thumbprint.Equals(after.SecondaryThumbprint, StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsThumbprint(string text) => text.Length is 40 or 64 && text.All(char.IsAsciiHexDigit);

    private static HubError Invalid(string whose, string why) =>
        new(HubErrorCode.ArgumentInvalid, $"The authentication of {whose} is not valid: {why}.");
}
