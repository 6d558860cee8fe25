using System.Text.Json;
using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Http;

/// <summary>One entry of a bulk request: a device or module, and what is to be done with it.</summary>
internal sealed record BulkEntry
{
    [JsonPropertyName("id")]
    public string? Id { get; init; }

    [JsonPropertyName("moduleId")]
    public string? ModuleId { get; init; }

    /// <summary>Written eTag or etag: names are read in any case.</summary>
    [JsonPropertyName("eTag")]
    public string? ETag { get; init; }

    [JsonPropertyName("importMode")]
    public string? ImportMode { get; init; }

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

    [JsonPropertyName("managedBy")]
    public string? ManagedBy { get; init; }

    [JsonPropertyName("tags")]
    public JsonElement? Tags { get; init; }

    [JsonPropertyName("properties")]
    public JsonElement? Properties { get; init; }

    /// <summary>True when the entry brings something of a twin along.</summary>
    public bool HasTwin => HasMembers(Tags)
        || (Properties is { ValueKind: JsonValueKind.Object } properties
            && properties.TryGetProperty("desired", out var desired) && HasMembers(desired));

    /// <summary>What is asked for, or why that cannot be.</summary>
    public HubResult<IdentityOperation> ToOperation()
    {
        var mode = Core.Identities.ImportMode.CreateOrUpdate;
        if (!string.IsNullOrEmpty(ImportMode) && !IdentityText.TryParseImportMode(ImportMode, out mode))
        {
            return new HubError(
                HubErrorCode.ArgumentInvalid,
                "The importMode is not one of create, update, updateIfMatchETag, createOrUpdate, "
                + "createOrUpdateIfMatchETag, delete, deleteIfMatchETag, updateTwin, updateTwinIfMatchETag.");
        }
        var needsETag = mode is Core.Identities.ImportMode.UpdateIfMatchETag
            or Core.Identities.ImportMode.DeleteIfMatchETag;
        if (needsETag && string.IsNullOrEmpty(ETag))
            return new HubError(HubErrorCode.ArgumentNull, $"The importMode {ImportMode} needs an eTag.");
        // What does not exist yet has no etag; what does exist matches no empty one.
        var operation = new IdentityOperation { Mode = mode, Condition = IfMatch.Parse(ETag ?? "") };
        if (!string.IsNullOrEmpty(ModuleId))
        {
            var module = ToModule();
            return module.IsOk ? operation with { Module = module.Value } : module.Error!;
        }
        var device = ToDevice();
        return device.IsOk ? operation with { Device = device.Value } : device.Error!;
    }

    private HubResult<DeviceDescription> ToDevice() => new DeviceRequest
    {
        Status = Status,
        StatusReason = StatusReason,
        Authentication = Authentication,
        Capabilities = Capabilities,
        DeviceScope = DeviceScope,
        ParentScopes = ParentScopes,
    }.ToDescription(Id!);

    private HubResult<ModuleDescription> ToModule() => new ModuleRequest
    {
        ManagedBy = ManagedBy,
        Authentication = Authentication,
    }.ToDescription(Id!, ModuleId!);

    private static bool HasMembers(JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Object } found
        && found.EnumerateObject().Any(m => !m.Name.StartsWith('$'));
}

/// <summary>What a bulk request answers, whether or not all went well.</summary>
internal sealed record BulkResultBody(
    [property: JsonPropertyName("isSuccessful")] bool IsSuccessful,
    [property: JsonPropertyName("errors")] BulkErrorBody[] Errors,
    [property: JsonPropertyName("warnings")] string[] Warnings);

internal sealed record BulkErrorBody(
    [property: JsonPropertyName("deviceId")] string DeviceId,
    [property: JsonPropertyName("moduleId")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ModuleId,
    [property: JsonPropertyName("errorCode")] string ErrorCode,
    [property: JsonPropertyName("errorStatus")] string ErrorStatus,
    [property: JsonPropertyName("operation")] string? Operation)
{
    public static BulkErrorBody Of(BulkEntry? entry, HubError error) => new(
        entry?.Id ?? "",
        entry?.ModuleId,
        HttpErrors.NameOf(error.Code),
        error.Message,
        IdentityText.TryParseImportMode(entry?.ImportMode ?? "", out var mode)
            ? IdentityText.ImportMode(mode)
            : entry?.ImportMode);
}
