using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>The commands of a device or module, as a whole.</summary>
internal sealed class CommandApi(CommandQueues commands)
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("DELETE", "/devices/{deviceId}/commands", "Ends every command that waits for a device.",
            request => PurgeAsync(request, null))
        {
            Gives = "PurgeResult",
        },
        new("DELETE", "/devices/{deviceId}/modules/{moduleId}/commands", "Ends every command that waits for a module.",
            request => PurgeAsync(request, request.ModuleId))
        {
            Gives = "PurgeResult",
        },
    ];

    private async Task<HubError?> PurgeAsync(ApiRequest request, string? moduleId)
    {
        if (request.Require(AccessRights.ServiceConnect) is { } refusal)
            return refusal;
        var purged = await commands.PurgeAsync(new CommandTarget(request.DeviceId, moduleId), request.Aborted);
        if (purged.IsOk)
        {
            await request.WriteAsync(
                new PurgeBody(purged.Value, request.DeviceId, moduleId), ApiJson.Default.PurgeBody);
        }
        return purged.Error;
    }
}

/// <summary>What a purge answers.</summary>
internal sealed record PurgeBody(
    [property: JsonPropertyName("totalMessagesPurged")] int TotalMessagesPurged,
    [property: JsonPropertyName("deviceId")] string DeviceId,
    [property: JsonPropertyName("moduleId")] string? ModuleId);
