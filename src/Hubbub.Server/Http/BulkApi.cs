using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>
/// Up to a hundred changes of identities in one request, done in their order. Each is refused for itself; those that
/// are not are stored together.
/// </summary>
internal sealed class BulkApi(IdentityRegistry registry)
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/devices", "Creates, updates or removes up to 100 devices and modules.", ImportAsync)
        {
            Takes = "BulkEntry[]",
            Gives = "BulkResult",
            Also = [(400, "BulkResult")],
        },
    ];

    internal static HubError TooMany(int count) => new(
        HubErrorCode.TooManyDevices, $"The request names {count} identities, at most {ApiLimits.BulkMax} are allowed.");

    private async Task<HubError?> ImportAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        var read = await request.ReadOptionalAsync(ApiJson.Default.BulkEntryArray);
        if (!read.IsOk)
            return read.Error;
        if (read.Value.Body is not { Length: > 0 } entries)
            return new HubError(HubErrorCode.ArgumentInvalid, "The body must be an array of at least one entry.");
        if (entries.Length > ApiLimits.BulkMax)
            return TooMany(entries.Length);

        var failed = await ImportAsync(entries, request.Aborted);
        var isSuccessful = failed.Count == 0;
        if (!isSuccessful)
        {
            HttpErrors.SetCode(request.Context, HubErrorCode.BulkRegistryOperationFailure);
            // C# reads the result of a failed request only when this other header is there too.
            request.Context.Response.Headers["IotHubErrorCode"] =
                HttpErrors.NameOf(HubErrorCode.BulkRegistryOperationFailure);
        }
        await request.WriteAsync(
            new BulkResultBody(isSuccessful, [.. failed], []),
            ApiJson.Default.BulkResultBody,
            status: isSuccessful ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
        return null;
    }

    private async Task<List<BulkErrorBody>> ImportAsync(BulkEntry?[] entries, CancellationToken aborted)
    {
        var seen = new HashSet<(string, string)>();
        var refused = new HubError?[entries.Length];
        var operations = new List<IdentityOperation>(entries.Length);
        var indexes = new List<int>(entries.Length);
        for (var i = 0; i < entries.Length; i++)
        {
            var operation = Read(entries[i], seen);
            refused[i] = operation.Error;
            if (!operation.IsOk)
                continue;
            operations.Add(operation.Value);
            indexes.Add(i);
        }
        var outcomes = await registry.ApplyAsync(operations, aborted);
        for (var i = 0; i < outcomes.Count; i++)
            refused[indexes[i]] = outcomes[i].Error;
        var errors = new List<BulkErrorBody>();
        for (var i = 0; i < entries.Length; i++)
        {
            if (refused[i] is { } error)
                errors.Add(BulkErrorBody.Of(entries[i], error));
        }
        return errors;
    }

    private static HubResult<IdentityOperation> Read(BulkEntry? entry, HashSet<(string, string)> seen)
    {
        if (string.IsNullOrEmpty(entry?.Id))
            return new HubError(HubErrorCode.ArgumentInvalid, "The entry has no id.");
        if (!seen.Add((entry.Id, entry.ModuleId ?? "")))
        {
            return new HubError(
                HubErrorCode.DeviceDefinedMultipleTimes, $"The request names '{entry.Id}' more than once.");
        }
        // Better refused than half done: what a twin holds would be lost without a word.
        return entry.HasTwin
            ? new HubError(
                HubErrorCode.NotImplemented, "This hub does not keep twins yet: tags and desired properties.")
            : entry.ToOperation();
    }
}
