using System.Text.Json.Serialization;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Http;

/// <summary>
/// A twin as queries show it. This hub does not keep twins yet, so each is as that of a new device: without tags, with
/// empty properties. Its other members are the identity's.
/// </summary>
internal sealed record TwinBody
{
    [JsonPropertyName("deviceId")]
    public required string DeviceId { get; init; }

    [JsonPropertyName("moduleId")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ModuleId { get; init; }

    [JsonPropertyName("etag")]
    public string ETag { get; init; } = "AAAAAAAAAAE=";

    [JsonPropertyName("deviceEtag")]
    public required string DeviceETag { get; init; }

    [JsonPropertyName("status")]
    public required string Status { get; init; }

    [JsonPropertyName("statusReason")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StatusReason { get; init; }

    [JsonPropertyName("statusUpdateTime")]
    public required string StatusUpdateTime { get; init; }

    [JsonPropertyName("connectionState")]
    public required string ConnectionState { get; init; }

    [JsonPropertyName("lastActivityTime")]
    public required string LastActivityTime { get; init; }

    [JsonPropertyName("cloudToDeviceMessageCount")]
    public required int CloudToDeviceMessageCount { get; init; }

    [JsonPropertyName("authenticationType")]
    public required string AuthenticationType { get; init; }

    [JsonPropertyName("x509Thumbprint")]
    public required ThumbprintBody X509Thumbprint { get; init; }

    [JsonPropertyName("modelId")]
    public string ModelId { get; init; } = "";

    [JsonPropertyName("version")]
    public int Version { get; init; } = 2;

    [JsonPropertyName("properties")]
    public TwinPropertiesBody Properties { get; init; } = new();

    [JsonPropertyName("capabilities")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CapabilitiesBody? Capabilities { get; init; }

    [JsonPropertyName("deviceScope")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DeviceScope { get; init; }

    [JsonPropertyName("parentScopes")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ParentScopes { get; init; }

    /// <param name="device">The device.</param>
    /// <param name="module">The module of it that is meant; null for the device itself.</param>
    /// <param name="views">Knows what connections tell.</param>
    public static TwinBody Of(DeviceIdentity device, ModuleIdentity? module, IdentityViews views)
    {
        var presence = module is null ? views.PresenceOf(device) : views.PresenceOf(module);
        var authentication = (module?.Authentication ?? device.Authentication);
        return new TwinBody
        {
            DeviceId = device.DeviceId,
            ModuleId = module?.ModuleId,
            DeviceETag = module?.ETag ?? device.ETag,
            Status = IdentityText.Status(device.Status),
            StatusReason = device.StatusReason,
            StatusUpdateTime = IdentityText.Time(device.StatusUpdatedTime),
            ConnectionState = IdentityText.ConnectionState(presence),
            LastActivityTime = IdentityText.Time(presence.ActiveAt),
            CloudToDeviceMessageCount = module is null ? views.CommandCountOf(device) : views.CommandCountOf(module),
            AuthenticationType = IdentityText.AuthenticationType(authentication.Type),
            X509Thumbprint = new ThumbprintBody
            {
                PrimaryThumbprint = authentication.PrimaryThumbprint,
                SecondaryThumbprint = authentication.SecondaryThumbprint,
            },
            Capabilities = module is null ? new CapabilitiesBody { IotEdge = device.IotEdge } : null,
            DeviceScope = module is null ? device.DeviceScope : null,
            ParentScopes = module is null && !device.ParentScopes.IsEmpty ? device.ParentScopes : null,
        };
    }
}

internal sealed record TwinPropertiesBody
{
    [JsonPropertyName("desired")]
    public TwinSectionBody Desired { get; init; } = new();

    [JsonPropertyName("reported")]
    public TwinSectionBody Reported { get; init; } = new();
}

internal sealed record TwinSectionBody
{
    [JsonPropertyName("$metadata")]
    public TwinMetadataBody Metadata { get; init; } = new();

    [JsonPropertyName("$version")]
    public int Version { get; init; } = 1;
}

internal sealed record TwinMetadataBody
{
    [JsonPropertyName("$lastUpdated")]
    public string LastUpdated { get; init; } = IdentityText.Time(null);
}
