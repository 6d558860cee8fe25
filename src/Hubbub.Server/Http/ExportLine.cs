using System.Text.Json.Serialization;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Http;

/// <summary>
/// A device or module as the service's export writes it, one on a line; an import reads a <see cref="BulkEntry"/>.
/// </summary>
internal sealed record ExportLine
{
    [JsonPropertyName("id")]
    public string? Id { get; init; }

    [JsonPropertyName("moduleId")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ModuleId { get; init; }

    [JsonPropertyName("eTag")]
    public string? ETag { get; init; }

    [JsonPropertyName("status")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; init; }

    [JsonPropertyName("statusReason")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StatusReason { get; init; }

    [JsonPropertyName("authentication")]
    public AuthenticationBody? Authentication { get; init; }

    [JsonPropertyName("capabilities")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CapabilitiesBody? Capabilities { get; init; }

    [JsonPropertyName("deviceScope")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DeviceScope { get; init; }

    [JsonPropertyName("parentScopes")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string?>? ParentScopes { get; init; }

    [JsonPropertyName("managedBy")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ManagedBy { get; init; }

    public static ExportLine Of(DeviceIdentity device, bool withKeys) => new()
    {
        Id = device.DeviceId,
        ETag = device.ETag,
        Status = device.IsEnabled ? "enabled" : "disabled",
        StatusReason = device.StatusReason,
        Authentication = AuthenticationOf(device.Authentication, withKeys),
        Capabilities = new CapabilitiesBody { IotEdge = device.IotEdge },
        DeviceScope = device.DeviceScope,
        ParentScopes = device.ParentScopes.IsEmpty ? null : device.ParentScopes,
    };

    public static ExportLine Of(ModuleIdentity module, bool withKeys) => new()
    {
        Id = module.DeviceId,
        ModuleId = module.ModuleId,
        ETag = module.ETag,
        Authentication = AuthenticationOf(module.Authentication, withKeys),
        ManagedBy = module.ManagedBy,
    };

    private static AuthenticationBody AuthenticationOf(IdentityAuthentication authentication, bool withKeys) =>
        withKeys || authentication.Type != AuthenticationType.Sas
            ? AuthenticationBody.Of(authentication)
            : new AuthenticationBody { Type = "sas", SymmetricKey = new(), X509Thumbprint = new() };
}
