using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>
/// Hubbub's own administration of consumer groups (docs/wire/admin.md); Azure does this in its portal.
/// </summary>
internal sealed class ConsumerGroupApi(ConsumerGroups groups)
{
    /// <summary>Only a policy that may administer both sides, as iothubowner may.</summary>
    private const AccessRights Required = AccessRights.RegistryWrite | AccessRights.ServiceConnect;

    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/hubbub/consumer-groups", "Lists the consumer groups, $Default first.", ListAsync)
        {
            Gives = "ConsumerGroup[]",
        },
        new("GET", "/hubbub/consumer-groups/{name}", "Shows a consumer group.", GetAsync) { Gives = "ConsumerGroup" },
        new("PUT", "/hubbub/consumer-groups/{name}", "Makes a consumer group, or leaves it as it is.", PutAsync)
        {
            Gives = "ConsumerGroup",
        },
        new("DELETE", "/hubbub/consumer-groups/{name}", "Removes a consumer group.", DeleteAsync),
    ];

    private async Task<HubError?> ListAsync(ApiRequest request)
    {
        if (request.Require(Required) is { } refusal)
            return refusal;
        ConsumerGroupBody[] bodies = [.. groups.All.Select(ConsumerGroupBody.Of)];
        await request.WriteAsync(bodies, ApiJson.Default.ConsumerGroupBodyArray);
        return null;
    }

    private Task<HubError?> GetAsync(ApiRequest request) =>
        AnswerAsync(request, name => new(groups.Get(name)));

    private Task<HubError?> PutAsync(ApiRequest request) =>
        AnswerAsync(request, name => groups.CreateAsync(name, request.Aborted));

    private async Task<HubError?> DeleteAsync(ApiRequest request)
    {
        if (request.Require(Required) is { } refusal)
            return refusal;
        var deleted = await groups.DeleteAsync(request["name"], request.Aborted);
        if (deleted.IsOk)
            request.NoContent();
        return deleted.Error;
    }

    private static async Task<HubError?> AnswerAsync(
        ApiRequest request, Func<string, ValueTask<HubResult<ConsumerGroup>>> operation)
    {
        if (request.Require(Required) is { } refusal)
            return refusal;
        var group = await operation(request["name"]);
        if (group.IsOk)
            await request.WriteAsync(ConsumerGroupBody.Of(group.Value), ApiJson.Default.ConsumerGroupBody);
        return group.Error;
    }
}

/// <summary>A consumer group as Hubbub shows it.</summary>
internal sealed record ConsumerGroupBody(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("entity")] string Entity,
    [property: JsonPropertyName("createdAt")] string CreatedAt)
{
    public static ConsumerGroupBody Of(ConsumerGroup group) =>
        new(group.Name, group.EntityName, IdentityText.Time(group.CreatedAt));
}
