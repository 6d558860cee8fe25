using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>The commands of a device or module, as a whole.</summary>
internal sealed class CommandApi(CommandQueues commands)
{
    /// <summary>DELETE /devices/{id}/commands, DELETE /devices/{id}/modules/{id}/commands: ends all that wait.</summary>
    public async Task<HubError?> PurgeAsync(ApiRequest request, string deviceId, string? moduleId)
    {
        if (request.Method != "DELETE")
            return await HubApi.MethodNotAllowed(request, "DELETE");
        if (request.Require(AccessRights.ServiceConnect) is { } refusal)
            return refusal;
        var purged = await commands.PurgeAsync(new CommandTarget(deviceId, moduleId), request.Aborted);
        if (purged.IsOk)
        {
            await request.WriteAsync(
                new PurgeBody(purged.Value, deviceId, moduleId), ApiJson.Default.PurgeBody);
        }
        return purged.Error;
    }
}

/// <summary>What a purge answers.</summary>
internal sealed record PurgeBody(
    [property: JsonPropertyName("totalMessagesPurged")] int TotalMessagesPurged,
    [property: JsonPropertyName("deviceId")] string DeviceId,
    [property: JsonPropertyName("moduleId")] string? ModuleId);
