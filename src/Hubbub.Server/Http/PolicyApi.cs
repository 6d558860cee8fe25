using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>
/// Hubbub's own administration of the shared access policies (docs/wire/admin.md); Azure does this in its portal.
/// Keys are shown to those only who ask for them by <c>keys=true</c>.
/// </summary>
internal sealed class PolicyApi(PolicyRegistry policies)
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/hubbub/policies", "Lists the shared access policies.", ListAsync)
        {
            Gives = "AccessPolicy[]", Parameters = ["keys"],
        },
        new("GET", "/hubbub/policies/{name}", "Shows a shared access policy.", GetAsync)
        {
            Gives = "AccessPolicy", Parameters = ["keys"],
        },
        new("PUT", "/hubbub/policies/{name}", "Adds a shared access policy with two fresh keys.", PutAsync)
        {
            Takes = "AccessPolicyDescription", Gives = "AccessPolicy", Parameters = ["keys"],
        },
        new("DELETE", "/hubbub/policies/{name}", "Removes a shared access policy and cuts off its users.", DeleteAsync),
        new(
            "POST", "/hubbub/policies/{name}/regenerate",
            "Replaces one key of a shared access policy; the other one stays.", RegenerateAsync)
        {
            Takes = "AccessPolicyKey", Gives = "AccessPolicy", Parameters = ["keys"],
        },
    ];

    private async Task<HubError?> ListAsync(ApiRequest request)
    {
        if (request.Require(Administration.Required) is { } refusal)
            return refusal;
        PolicyBody[] bodies = [.. policies.Current.All.Select(policy => PolicyBody.Of(policy, WantsKeys(request)))];
        await request.WriteAsync(bodies, ApiJson.Default.PolicyBodyArray);
        return null;
    }

    private Task<HubError?> GetAsync(ApiRequest request) =>
        AnswerAsync(request, () => new(policies.Get(request["name"])));

    private Task<HubError?> PutAsync(ApiRequest request) => AnswerAsync(
        request,
        async () =>
        {
            var body = await request.ReadAsync(ApiJson.Default.PolicyRequestBody);
            if (!body.IsOk)
                return body.Error!;
            var rights = AccessRights.None;
            foreach (var name in body.Value.Rights ?? [])
            {
                if (!PolicyBody.TryParseRight(name, out var right))
                {
                    return new HubError(
                        HubErrorCode.ArgumentInvalid,
                        $"The policy '{request["name"]}' is not valid: its rights must be of {PolicyBody.RightNames}.");
                }
                rights |= right;
            }
            return await policies.AddAsync(request["name"], rights, request.Aborted);
        });

    private Task<HubError?> RegenerateAsync(ApiRequest request) => AnswerAsync(
        request,
        async () =>
        {
            var body = await request.ReadAsync(ApiJson.Default.PolicyKeyBody);
            if (!body.IsOk)
                return body.Error!;
            return body.Value.Key?.ToUpperInvariant() switch
            {
                "PRIMARY" => await policies.RegenerateAsync(request["name"], KeySlot.Primary, request.Aborted),
                "SECONDARY" => await policies.RegenerateAsync(request["name"], KeySlot.Secondary, request.Aborted),
                _ => new HubError(HubErrorCode.ArgumentInvalid, "The member key must be primary or secondary."),
            };
        });

    private Task<HubError?> DeleteAsync(ApiRequest request) =>
        Administration.RemoveAsync(request, () => policies.RemoveAsync(request["name"], request.Aborted));

    private static Task<HubError?> AnswerAsync(
        ApiRequest request, Func<ValueTask<HubResult<AccessPolicy>>> operation) =>
        Administration.AnswerAsync(
            request, operation, policy => PolicyBody.Of(policy, WantsKeys(request)), ApiJson.Default.PolicyBody);

    private static bool WantsKeys(ApiRequest request) =>
        string.Equals(request.Target.Query("keys"), "true", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A policy that is to be added.</summary>
internal sealed class PolicyRequestBody
{
    [JsonPropertyName("rights")]
    public string[]? Rights { get; init; }
}

/// <summary>Which key is to be replaced.</summary>
internal sealed class PolicyKeyBody
{
    [JsonPropertyName("key")]
    public string? Key { get; init; }
}

/// <summary>A policy as Hubbub shows it; without its keys unless they were asked for.</summary>
internal sealed record PolicyBody(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("rights")] string[] Rights,
    [property: JsonPropertyName("primaryKey"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    string? PrimaryKey,
    [property: JsonPropertyName("secondaryKey"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    string? SecondaryKey)
{
    public const string RightNames = "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect";

    private static readonly (string Name, AccessRights Right)[] Known =
    [
        ("RegistryRead", AccessRights.RegistryRead),
        ("RegistryWrite", AccessRights.RegistryWrite),
        ("ServiceConnect", AccessRights.ServiceConnect),
        ("DeviceConnect", AccessRights.DeviceConnect),
    ];

    public static PolicyBody Of(AccessPolicy policy, bool withKeys) => new(
        policy.Name,
        [.. Known.Where(each => policy.Allows(each.Right)).Select(each => each.Name)],
        withKeys ? policy.Keys.Primary.Reveal() : null,
        withKeys ? policy.Keys.Secondary.Reveal() : null);

    public static bool TryParseRight(string? name, out AccessRights right)
    {
        right = Known.FirstOrDefault(each => each.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Right;
        return right != AccessRights.None;
    }

    /// <summary>Never the keys: this may end in a log.</summary>
    public override string ToString() => Name;
}
