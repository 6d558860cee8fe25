using System.Text.Json.Serialization.Metadata;
using Hubbub.Core;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>
/// What Hubbub's own operations of administration have in common: who may, and how one thing is answered.
/// </summary>
internal static class Administration
{
    /// <summary>
    /// Whoever makes a policy, adds a CA or routes can give every right, be any device or take its data anywhere: as
    /// much as iothubowner may.
    /// </summary>
    public const AccessRights Required =
        AccessRights.RegistryWrite | AccessRights.ServiceConnect | AccessRights.DeviceConnect;

    /// <summary>Answers with one thing, or why it is not to be had.</summary>
    public static async Task<HubError?> AnswerAsync<T, TBody>(
        ApiRequest request, Func<ValueTask<HubResult<T>>> operation, Func<T, TBody> show, JsonTypeInfo<TBody> type)
    {
        if (request.Require(Required) is { } refusal)
            return refusal;
        var thing = await operation();
        if (thing.IsOk)
            await request.WriteAsync(show(thing.Value), type);
        return thing.Error;
    }

    /// <summary>Removes a thing, and answers that it is gone, or why it is not.</summary>
    public static async Task<HubError?> RemoveAsync<T>(ApiRequest request, Func<ValueTask<HubResult<T>>> remove)
    {
        if (request.Require(Required) is { } refusal)
            return refusal;
        var removed = await remove();
        if (removed.IsOk)
            request.NoContent();
        return removed.Error;
    }
}
