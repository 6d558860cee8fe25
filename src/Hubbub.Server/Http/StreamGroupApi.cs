using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Routing;
using Hubbub.Server.Routing;

namespace Hubbub.Server.Http;

/// <summary>The consumer groups of custom endpoints' streams; those of the built-in events are ConsumerGroupApi's.</summary>
internal sealed class StreamGroupApi(EndpointStreams streams)
{
    private const string Path = "/hubbub/routing/endpoints/{name}/consumer-groups";

    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", Path, "Lists the consumer groups of an endpoint's stream, $Default first.", ListAsync)
        {
            Gives = "ConsumerGroup[]",
        },
        new("PUT", Path + "/{group}", "Makes a consumer group of an endpoint's stream.", PutAsync)
        {
            Gives = "ConsumerGroup",
        },
        new("DELETE", Path + "/{group}", "Removes a consumer group of an endpoint's stream.", DeleteAsync),
    ];

    private async Task<HubError?> ListAsync(ApiRequest request)
    {
        var groups = Find(request);
        if (!groups.IsOk)
            return groups.Error;
        ConsumerGroupBody[] bodies = [.. groups.Value.All.Select(ConsumerGroupBody.Of)];
        await request.WriteAsync(bodies, ApiJson.Default.ConsumerGroupBodyArray);
        return null;
    }

    private async Task<HubError?> PutAsync(ApiRequest request)
    {
        var groups = Find(request);
        if (!groups.IsOk)
            return groups.Error;
        var group = await groups.Value.CreateAsync(request["group"], request.Aborted);
        if (group.IsOk)
            await request.WriteAsync(ConsumerGroupBody.Of(group.Value), ApiJson.Default.ConsumerGroupBody);
        return group.Error;
    }

    private async Task<HubError?> DeleteAsync(ApiRequest request)
    {
        var groups = Find(request);
        if (!groups.IsOk)
            return groups.Error;
        var deleted = await groups.Value.DeleteAsync(request["group"], request.Aborted);
        if (deleted.IsOk)
            request.NoContent();
        return deleted.Error;
    }

    private HubResult<ConsumerGroups> Find(ApiRequest request)
    {
        if (request.Require(RoutingApi.Required) is { } refusal)
            return refusal;
        return streams.Find(request["name"]) is { } stream
            ? stream.Entity.Groups
            : RoutingChanges.NotFound("endpoint", request["name"]);
    }
}
