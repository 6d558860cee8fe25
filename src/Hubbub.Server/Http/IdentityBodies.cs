using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Http;

/// <summary>A device as the service shows it.</summary>
internal sealed record DeviceBody
{
    [JsonPropertyName("deviceId")]
    public required string DeviceId { get; init; }

    [JsonPropertyName("generationId")]
    public required string GenerationId { get; init; }

    [JsonPropertyName("etag")]
    public required string ETag { get; init; }

    [JsonPropertyName("connectionState")]
    public required string ConnectionState { get; init; }

    [JsonPropertyName("status")]
    public required string Status { get; init; }

    [JsonPropertyName("statusReason")]
    public required string? StatusReason { get; init; }

    [JsonPropertyName("connectionStateUpdatedTime")]
    public required string ConnectionStateUpdatedTime { get; init; }

    [JsonPropertyName("statusUpdatedTime")]
    public required string StatusUpdatedTime { get; init; }

    [JsonPropertyName("lastActivityTime")]
    public required string LastActivityTime { get; init; }

    [JsonPropertyName("cloudToDeviceMessageCount")]
    public int CloudToDeviceMessageCount { get; init; }

    [JsonPropertyName("authentication")]
    public required AuthenticationBody Authentication { get; init; }

    [JsonPropertyName("capabilities")]
    public required CapabilitiesBody Capabilities { get; init; }

    [JsonPropertyName("deviceScope")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DeviceScope { get; init; }

    [JsonPropertyName("parentScopes")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ParentScopes { get; init; }

    public static DeviceBody Of(DeviceIdentity device, PresenceState presence, int commands) => new()
    {
        DeviceId = device.DeviceId,
        GenerationId = device.GenerationId,
        ETag = device.ETag,
        ConnectionState = IdentityText.ConnectionState(presence),
        Status = IdentityText.Status(device.Status),
        StatusReason = device.StatusReason,
        ConnectionStateUpdatedTime = IdentityText.Time(presence.ChangedAt),
        StatusUpdatedTime = IdentityText.Time(device.StatusUpdatedTime),
        LastActivityTime = IdentityText.Time(presence.ActiveAt),
        CloudToDeviceMessageCount = commands,
        Authentication = AuthenticationBody.Of(device.Authentication),
        Capabilities = new CapabilitiesBody { IotEdge = device.IotEdge },
        DeviceScope = device.DeviceScope,
        ParentScopes = device.ParentScopes.IsEmpty ? null : device.ParentScopes,
    };
}

/// <summary>A module as the service shows it.</summary>
internal sealed record ModuleBody
{
    [JsonPropertyName("moduleId")]
    public required string ModuleId { get; init; }

    [JsonPropertyName("managedBy")]
    public required string? ManagedBy { get; init; }

    [JsonPropertyName("deviceId")]
    public required string DeviceId { get; init; }

    [JsonPropertyName("generationId")]
    public required string GenerationId { get; init; }

    [JsonPropertyName("etag")]
    public required string ETag { get; init; }

    [JsonPropertyName("connectionState")]
    public required string ConnectionState { get; init; }

    [JsonPropertyName("connectionStateUpdatedTime")]
    public required string ConnectionStateUpdatedTime { get; init; }

    [JsonPropertyName("lastActivityTime")]
    public required string LastActivityTime { get; init; }

    [JsonPropertyName("cloudToDeviceMessageCount")]
    public int CloudToDeviceMessageCount { get; init; }

    [JsonPropertyName("authentication")]
    public required AuthenticationBody Authentication { get; init; }

    public static ModuleBody Of(ModuleIdentity module, PresenceState presence, int commands) => new()
    {
        ModuleId = module.ModuleId,
        ManagedBy = module.ManagedBy,
        DeviceId = module.DeviceId,
        GenerationId = module.GenerationId,
        ETag = module.ETag,
        ConnectionState = IdentityText.ConnectionState(presence),
        ConnectionStateUpdatedTime = IdentityText.Time(presence.ChangedAt),
        LastActivityTime = IdentityText.Time(presence.ActiveAt),
        CloudToDeviceMessageCount = commands,
        Authentication = AuthenticationBody.Of(module.Authentication),
    };
}

/// <summary>Keys or thumbprints; the members that do not belong to the type are null.</summary>
internal sealed record AuthenticationBody
{
    [JsonPropertyName("symmetricKey")]
    public SymmetricKeyBody? SymmetricKey { get; init; }

    [JsonPropertyName("x509Thumbprint")]
    public ThumbprintBody? X509Thumbprint { get; init; }

    [JsonPropertyName("type")]
    public string? Type { get; init; }

    public static AuthenticationBody Of(IdentityAuthentication authentication) => new()
    {
        SymmetricKey = new SymmetricKeyBody
        {
            PrimaryKey = authentication.Keys?.Primary.Reveal(),
            SecondaryKey = authentication.Keys?.Secondary.Reveal(),
        },
        X509Thumbprint = new ThumbprintBody
        {
            PrimaryThumbprint = authentication.PrimaryThumbprint,
            SecondaryThumbprint = authentication.SecondaryThumbprint,
        },
        Type = IdentityText.AuthenticationType(authentication.Type),
    };
}

internal sealed record SymmetricKeyBody
{
    [JsonPropertyName("primaryKey")]
    public string? PrimaryKey { get; init; }

    [JsonPropertyName("secondaryKey")]
    public string? SecondaryKey { get; init; }

    public override string ToString() => "***";
}

internal sealed record ThumbprintBody
{
    [JsonPropertyName("primaryThumbprint")]
    public string? PrimaryThumbprint { get; init; }

    [JsonPropertyName("secondaryThumbprint")]
    public string? SecondaryThumbprint { get; init; }
}

internal sealed record CapabilitiesBody
{
    [JsonPropertyName("iotEdge")]
    public bool? IotEdge { get; init; }
}
