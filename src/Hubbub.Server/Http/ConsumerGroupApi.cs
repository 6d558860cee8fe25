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

    /// <summary>GET /hubbub/consumer-groups</summary>
    public async Task<HubError?> ListAsync(ApiRequest request)
    {
        if (request.Require(Required) is { } refusal)
            return refusal;
        ConsumerGroupBody[] bodies = [.. groups.All.Select(ConsumerGroupBody.Of)];
        await request.WriteAsync(bodies, ApiJson.Default.ConsumerGroupBodyArray);
        return null;
    }

    /// <summary>GET, PUT, DELETE /hubbub/consumer-groups/{name}</summary>
    public async Task<HubError?> GroupAsync(ApiRequest request, string name)
    {
        if (request.Method is not ("GET" or "PUT" or "DELETE"))
            return await HubApi.MethodNotAllowed(request, "GET, PUT, DELETE");
        if (request.Require(Required) is { } refusal)
            return refusal;
        var group = request.Method switch
        {
            "GET" => groups.Get(name),
            "PUT" => await groups.CreateAsync(name, request.Aborted),
            _ => await groups.DeleteAsync(name, request.Aborted),
        };
        if (!group.IsOk)
            return group.Error;
        if (request.Method == "DELETE")
            request.NoContent();
        else
            await request.WriteAsync(ConsumerGroupBody.Of(group.Value), ApiJson.Default.ConsumerGroupBody);
        return null;
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
