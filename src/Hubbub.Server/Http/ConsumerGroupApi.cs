using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Routing;
using Hubbub.Core.Security;
using Hubbub.Server.Routing;

namespace Hubbub.Server.Http;

/// <summary>
/// Hubbub's own administration of the consumer groups of one stream (docs/wire/admin.md); Azure does this in its
/// portal.
/// </summary>
/// <param name="path">The path of the groups; a group's is a segment longer.</param>
/// <param name="whose">
/// Says whose groups they are, behind "the consumer groups"; empty for the built-in events'.
/// </param>
/// <param name="required">Who may.</param>
/// <param name="find">The groups of the stream that a request names.</param>
internal sealed class ConsumerGroupApi(
    string path, string whose, AccessRights required, Func<ApiRequest, HubResult<ConsumerGroups>> find)
{
    private const string Group = "group";

    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", path, $"Lists the consumer groups{whose}, $Default first.", ListAsync) { Gives = "ConsumerGroup[]" },
        new("GET", One, $"Shows a consumer group{whose}.", GetAsync) { Gives = "ConsumerGroup" },
        new("PUT", One, $"Makes a consumer group{whose}, or leaves it as it is.", PutAsync) { Gives = "ConsumerGroup" },
        new("DELETE", One, $"Removes a consumer group{whose}.", DeleteAsync),
    ];

    private string One => $"{path}/{{{Group}}}";

    /// <summary>
    /// Those of the built-in events, for a policy that may administer both sides, as iothubowner may.
    /// </summary>
    public static ConsumerGroupApi OfEvents(ConsumerGroups groups) => new(
        "/hubbub/consumer-groups", "", AccessRights.RegistryWrite | AccessRights.ServiceConnect, _ => groups);

    /// <summary>Those of a custom endpoint's stream.</summary>
    public static ConsumerGroupApi OfEndpoints(EndpointStreams streams) => new(
        "/hubbub/routing/endpoints/{name}/consumer-groups",
        " of an endpoint's stream",
        Administration.Required,
        request => streams.Find(request["name"]) is { } stream
            ? stream.Entity.Groups
            : RoutingChanges.NotFound("endpoint", request["name"]));

    private async Task<HubError?> ListAsync(ApiRequest request)
    {
        var groups = Find(request);
        if (!groups.IsOk)
            return groups.Error;
        ConsumerGroupBody[] bodies = [.. groups.Value.All.Select(ConsumerGroupBody.Of)];
        await request.WriteAsync(bodies, ApiJson.Default.ConsumerGroupBodyArray);
        return null;
    }

    private Task<HubError?> GetAsync(ApiRequest request) =>
        AnswerAsync(request, (groups, name) => new(groups.Get(name)));

    private Task<HubError?> PutAsync(ApiRequest request) =>
        AnswerAsync(request, (groups, name) => groups.CreateAsync(name, request.Aborted));

    private async Task<HubError?> DeleteAsync(ApiRequest request)
    {
        var groups = Find(request);
        if (!groups.IsOk)
            return groups.Error;
        var deleted = await groups.Value.DeleteAsync(request[Group], request.Aborted);
        if (deleted.IsOk)
            request.NoContent();
        return deleted.Error;
    }

    private async Task<HubError?> AnswerAsync(
        ApiRequest request, Func<ConsumerGroups, string, ValueTask<HubResult<ConsumerGroup>>> operation)
    {
        var groups = Find(request);
        if (!groups.IsOk)
            return groups.Error;
        var group = await operation(groups.Value, request[Group]);
        if (group.IsOk)
            await request.WriteAsync(ConsumerGroupBody.Of(group.Value), ApiJson.Default.ConsumerGroupBody);
        return group.Error;
    }

    private HubResult<ConsumerGroups> Find(ApiRequest request) =>
        request.Require(required) is { } refusal ? refusal : find(request);
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
