using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>The body of a request that creates or replaces a device; what clients may not set is ignored.</summary>
internal sealed record DeviceRequest
{
    [JsonPropertyName("deviceId")]
    public string? DeviceId { get; init; }

    [JsonPropertyName("status")]
    public string? Status { get; init; }

    [JsonPropertyName("statusReason")]
    public string? StatusReason { get; init; }

    [JsonPropertyName("authentication")]
    public AuthenticationBody? Authentication { get; init; }

    [JsonPropertyName("capabilities")]
    public CapabilitiesBody? Capabilities { get; init; }

    [JsonPropertyName("deviceScope")]
    public string? DeviceScope { get; init; }

    [JsonPropertyName("parentScopes")]
    public string?[]? ParentScopes { get; init; }

    /// <param name="deviceId">The id that the path names.</param>
    public HubResult<DeviceDescription> ToDescription(string deviceId)
    {
        if (DeviceId is not null && !string.Equals(DeviceId, deviceId, StringComparison.Ordinal))
            return AuthenticationRequest.Invalid($"The body is about another device than the path ('{deviceId}').");
        var status = DeviceStatus.Enabled;
        if (Status is not null && !IdentityText.TryParseStatus(Status, out status))
            return AuthenticationRequest.Invalid($"The status of device '{deviceId}' is neither enabled nor disabled.");
        var authentication = AuthenticationRequest.Parse(Authentication, $"device '{deviceId}'");
        if (!authentication.IsOk)
            return authentication.Error!;
        return new DeviceDescription
        {
            DeviceId = deviceId,
            Status = status,
            StatusReason = StatusReason,
            Authentication = authentication.Value,
            IotEdge = Capabilities?.IotEdge ?? false,
            DeviceScope = string.IsNullOrEmpty(DeviceScope) ? null : DeviceScope,
            ParentScopes = ParentScopes is null ? [] : [.. ParentScopes.OfType<string>()],
        };
    }
}

/// <summary>The body of a request that creates or replaces a module.</summary>
internal sealed record ModuleRequest
{
    [JsonPropertyName("deviceId")]
    public string? DeviceId { get; init; }

    [JsonPropertyName("moduleId")]
    public string? ModuleId { get; init; }

    [JsonPropertyName("managedBy")]
    public string? ManagedBy { get; init; }

    [JsonPropertyName("authentication")]
    public AuthenticationBody? Authentication { get; init; }

    public HubResult<ModuleDescription> ToDescription(string deviceId, string moduleId)
    {
        if ((DeviceId is not null && !string.Equals(DeviceId, deviceId, StringComparison.Ordinal))
            || (ModuleId is not null && !string.Equals(ModuleId, moduleId, StringComparison.Ordinal)))
        {
            return AuthenticationRequest.Invalid(
                $"The body is about another module than the path, which names '{moduleId}' of device '{deviceId}'.");
        }
        var authentication = AuthenticationRequest.Parse(Authentication, $"module '{moduleId}' of device '{deviceId}'");
        if (!authentication.IsOk)
            return authentication.Error!;
        return new ModuleDescription
        {
            DeviceId = deviceId,
            ModuleId = moduleId,
            ManagedBy = ManagedBy,
            Authentication = authentication.Value,
        };
    }
}

/// <summary>
/// Reads the authentication of a request; null when it has none. Empty text means the same as none: Node clients send
/// it so.
/// </summary>
internal static class AuthenticationRequest
{
    public static HubResult<IdentityAuthentication?> Parse(AuthenticationBody? body, string whose)
    {
        if (body is null)
            return (IdentityAuthentication?)null;
        var primaryThumbprint = NullIfEmpty(body.X509Thumbprint?.PrimaryThumbprint);
        var secondaryThumbprint = NullIfEmpty(body.X509Thumbprint?.SecondaryThumbprint);
        var type = primaryThumbprint is null && secondaryThumbprint is null
            ? AuthenticationType.Sas
            : AuthenticationType.SelfSigned;
        if (NullIfEmpty(body.Type) is { } text && !IdentityText.TryParseAuthenticationType(text, out type))
        {
            return Invalid(
                $"The authentication type of {whose} is not one of sas, selfSigned, certificateAuthority, none.");
        }

        var primaryText = NullIfEmpty(body.SymmetricKey?.PrimaryKey);
        var secondaryText = NullIfEmpty(body.SymmetricKey?.SecondaryKey);
        SymmetricKeyPair? keys = null;
        if (primaryText is not null || secondaryText is not null)
        {
            if (!SymmetricKey.TryParse(primaryText, out var primary)
                || !SymmetricKey.TryParse(secondaryText, out var secondary))
            {
                return Invalid(
                    $"The keys of {whose} are not valid: give both or neither, each the base64 text of "
                    + $"{SecurityLimits.KeyBytesMin} to {SecurityLimits.KeyBytesMax} bytes.");
            }
            keys = new SymmetricKeyPair(primary, secondary);
        }
        return new IdentityAuthentication
        {
            Type = type,
            Keys = keys,
            PrimaryThumbprint = primaryThumbprint,
            SecondaryThumbprint = secondaryThumbprint,
        };
    }

    internal static HubError Invalid(string message) => new(HubErrorCode.ArgumentInvalid, message);

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
