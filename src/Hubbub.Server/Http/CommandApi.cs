using System.Text.Json.Serialization;
using Hubbub.Amqp.Messages;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Http;

/// <summary>The commands of a device or module, as a whole.</summary>
internal sealed class CommandApi(CommandQueues commands, HubIdentity hub, IdentityRegistry registry)
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
        new("POST", "/devices/{deviceId}/messages/deviceBound", "Sends a command to a device.", SendAsync)
        {
            Takes = ApiRoute.Bytes,
            Parameters = ["message"],
        },
    ];

    private async Task<HubError?> SendAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.ServiceConnect) is { } refusal)
            return refusal;
        var message = new HttpMessage();
        foreach (var (name, value) in request.Context.Request.Headers)
        {
            if (message.Set(name, value.ToString()) is { } invalid)
                return invalid;
        }
        // The path says for whom it is, whatever the headers say.
        message.Set("iothub-to", $"/devices/{Uri.EscapeDataString(request.DeviceId)}/messages/devicebound");
        var body = await request.ReadBytesAsync();
        if (!body.IsOk)
            return body.Error;
        var encoded = message.ToAmqp(body.Value);
        if (!MessageSections.TryRead(encoded, SectionOrder.Strict, out var sections, out var problem))
            return new HubError(HubErrorCode.ArgumentInvalid, problem.Text);
        var command = CommandMessage.Read(sections, hub, registry);
        if (!command.IsOk)
            return command.Error;
        if (await commands.SendAsync(command.Value, request.Aborted) is { } error)
            return error;
        request.NoContent();
        return null;
    }

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
