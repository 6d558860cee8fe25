using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>New keys for many devices and modules at a time.</summary>
internal sealed class KeysApi(IdentityRegistry registry)
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/devices/keys/regenerate", "Gives devices and modules new keys.", RegenerateAsync)
        {
            Takes = "KeyRegeneration",
            Gives = "KeyRegenerationResult",
            Also = [(207, "KeyRegenerationResult")],
        },
    ];

    private async Task<HubError?> RegenerateAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        var read = await request.ReadAsync(ApiJson.Default.KeyRegenerationBody);
        if (!read.IsOk)
            return read.Error;
        var body = read.Value;
        if (!IdentityText.TryParseKeyChoice(body.PolicyKey ?? "", out var choice))
        {
            return new HubError(
                HubErrorCode.InvalidPolicyKey, "policyKey must be one of primaryKey, secondaryKey, both.");
        }
        if (body.Devices is not { Length: > 0 } devices)
            return new HubError(HubErrorCode.ArgumentInvalid, "devices must name at least one device or module.");
        if (devices.Length > ApiLimits.BulkMax)
            return BulkApi.TooMany(devices.Length);

        // Twice the same one would show keys of which some have been replaced already.
        var seen = new HashSet<(string?, string?)>();
        var results = await Task.WhenAll(devices.Select(d => seen.Add((d?.Id, d?.ModuleId ?? ""))
            ? RegenerateAsync(d, choice, request.Aborted)
            : Task.FromResult<object>(NamedTwice(d))));
        var errors = results.OfType<KeyErrorBody>().ToArray();
        var answer = new KeyRegenerationResultBody(
            IdentityText.KeyChoice(choice), [.. results.OfType<RotatedKeysBody>()], errors);
        var status = errors.Length == 0 ? StatusCodes.Status200OK
            : errors.Length < devices.Length ? StatusCodes.Status207MultiStatus
            : StatusCodes.Status400BadRequest;
        if (status == StatusCodes.Status400BadRequest)
            HttpErrors.SetCode(request.Context, HubErrorCode.BulkRegenerateDeviceKeyOperationFailure);
        await request.WriteAsync(answer, ApiJson.Default.KeyRegenerationResultBody, status: status);
        return null;
    }

    private static KeyErrorBody NamedTwice(IdentityReferenceBody? which) => new(
        which?.Id, which?.ModuleId, HttpErrors.NameOf(HubErrorCode.DeviceDefinedMultipleTimes),
        $"The request names '{which?.Id}' more than once.");

    private async Task<object> RegenerateAsync(
        IdentityReferenceBody? which, KeyChoice choice, CancellationToken aborted)
    {
        if (which?.Id is not { Length: > 0 } deviceId)
            return new KeyErrorBody(null, null, "ArgumentInvalid", "The entry has no id.");
        HubError? error;
        SymmetricKeyPair? keys;
        if (which.ModuleId is { Length: > 0 } moduleId)
        {
            var module = await registry.RegenerateKeysAsync(deviceId, moduleId, choice, aborted);
            (error, keys) = (module.Error, module.IsOk ? module.Value.Authentication.Keys : null);
        }
        else
        {
            var device = await registry.RegenerateKeysAsync(deviceId, choice, aborted);
            (error, keys) = (device.Error, device.IsOk ? device.Value.Authentication.Keys : null);
        }
        return error is null
            ? new RotatedKeysBody(deviceId, which.ModuleId, keys!.Primary.Reveal(), keys.Secondary.Reveal())
            : new KeyErrorBody(deviceId, which.ModuleId, HttpErrors.NameOf(error.Code), error.Message);
    }
}

internal sealed record KeyRegenerationBody
{
    [JsonPropertyName("policyKey")]
    public string? PolicyKey { get; init; }

    [JsonPropertyName("devices")]
    public IdentityReferenceBody?[]? Devices { get; init; }
}

internal sealed record IdentityReferenceBody
{
    [JsonPropertyName("id")]
    public string? Id { get; init; }

    [JsonPropertyName("moduleId")]
    public string? ModuleId { get; init; }
}

internal sealed record KeyRegenerationResultBody(
    [property: JsonPropertyName("policyKey")] string PolicyKey,
    [property: JsonPropertyName("rotatedKeys")] RotatedKeysBody[] RotatedKeys,
    [property: JsonPropertyName("errors")] KeyErrorBody[] Errors);

internal sealed record RotatedKeysBody(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("moduleId")] string? ModuleId,
    [property: JsonPropertyName("primaryKey")] string PrimaryKey,
    [property: JsonPropertyName("secondaryKey")] string SecondaryKey)
{
    public override string ToString() => $"new keys of '{Id}' '{ModuleId}'";
}

internal sealed record KeyErrorBody(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("moduleId")] string? ModuleId,
    [property: JsonPropertyName("errorCode")] string ErrorCode,
    [property: JsonPropertyName("errorStatus")] string ErrorStatus);
