using System.Globalization;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>The identity registry: <c>/devices</c>, <c>/devices/{id}</c> and the modules below it.</summary>
internal sealed class RegistryApi(IdentityRegistry registry, DevicePresence presence)
{
    /// <summary>GET /devices?top=N</summary>
    public async Task<HubError?> ListDevicesAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        var top = IdentityLimits.ListMax;
        if (request.Target.Query("top") is { } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out top)
                || top is < 1 or > IdentityLimits.ListMax))
            return new(HubErrorCode.ArgumentInvalid, $"The parameter top must be 1 to {IdentityLimits.ListMax}.");
        DeviceBody[] bodies = [.. registry.ListDevices(top).Select(Show)];
        await request.WriteAsync(bodies, ApiJson.Default.DeviceBodyArray);
        return null;
    }

    /// <summary>GET, PUT, DELETE /devices/{id}</summary>
    public Task<HubError?> DeviceAsync(ApiRequest request, string deviceId) => request.Method switch
    {
        "GET" => GetDeviceAsync(request, deviceId),
        "PUT" => PutDeviceAsync(request, deviceId),
        "DELETE" => DeleteDeviceAsync(request, deviceId),
        _ => HubApi.MethodNotAllowed(request, "GET, PUT, DELETE"),
    };

    /// <summary>GET /devices/{id}/modules</summary>
    public async Task<HubError?> ListModulesAsync(ApiRequest request, string deviceId)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        var modules = registry.ListModules(deviceId);
        if (!modules.IsOk)
            return modules.Error;
        ModuleBody[] bodies = [.. modules.Value.Select(Show)];
        await request.WriteAsync(bodies, ApiJson.Default.ModuleBodyArray);
        return null;
    }

    /// <summary>GET, PUT, DELETE /devices/{id}/modules/{id}</summary>
    public Task<HubError?> ModuleAsync(ApiRequest request, string deviceId, string moduleId) => request.Method switch
    {
        "GET" => GetModuleAsync(request, deviceId, moduleId),
        "PUT" => PutModuleAsync(request, deviceId, moduleId),
        "DELETE" => DeleteModuleAsync(request, deviceId, moduleId),
        _ => HubApi.MethodNotAllowed(request, "GET, PUT, DELETE"),
    };

    private async Task<HubError?> GetDeviceAsync(ApiRequest request, string deviceId)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        return await AnswerAsync(request, registry.GetDevice(deviceId));
    }

    private async Task<HubError?> PutDeviceAsync(ApiRequest request, string deviceId)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        var body = await request.ReadAsync(ApiJson.Default.DeviceRequest);
        if (!body.IsOk)
            return body.Error;
        var description = body.Value.ToDescription(deviceId);
        if (!description.IsOk)
            return description.Error;
        return await AnswerAsync(
            request,
            request.Condition is { } condition
                ? await registry.UpdateDeviceAsync(description.Value, condition, request.Aborted)
                : await registry.CreateDeviceAsync(description.Value, request.Aborted));
    }

    private async Task<HubError?> DeleteDeviceAsync(ApiRequest request, string deviceId)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        if (request.Condition is not { } condition)
            return ConditionMissing($"device '{deviceId}'");
        var deleted = await registry.DeleteDeviceAsync(deviceId, condition, request.Aborted);
        if (deleted.IsOk)
            request.NoContent();
        return deleted.Error;
    }

    private async Task<HubError?> GetModuleAsync(ApiRequest request, string deviceId, string moduleId)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        return await AnswerAsync(request, registry.GetModule(deviceId, moduleId));
    }

    private async Task<HubError?> PutModuleAsync(ApiRequest request, string deviceId, string moduleId)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        var body = await request.ReadAsync(ApiJson.Default.ModuleRequest);
        if (!body.IsOk)
            return body.Error;
        var description = body.Value.ToDescription(deviceId, moduleId);
        if (!description.IsOk)
            return description.Error;
        return await AnswerAsync(
            request,
            request.Condition is { } condition
                ? await registry.UpdateModuleAsync(description.Value, condition, request.Aborted)
                : await registry.CreateModuleAsync(description.Value, request.Aborted));
    }

    private async Task<HubError?> DeleteModuleAsync(ApiRequest request, string deviceId, string moduleId)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        if (request.Condition is not { } condition)
            return ConditionMissing($"module '{moduleId}' of device '{deviceId}'");
        var deleted = await registry.DeleteModuleAsync(deviceId, moduleId, condition, request.Aborted);
        if (deleted.IsOk)
            request.NoContent();
        return deleted.Error;
    }

    private async Task<HubError?> AnswerAsync(ApiRequest request, HubResult<DeviceIdentity> device)
    {
        if (device.IsOk)
            await request.WriteAsync(Show(device.Value), ApiJson.Default.DeviceBody, device.Value.ETag);
        return device.Error;
    }

    private async Task<HubError?> AnswerAsync(ApiRequest request, HubResult<ModuleIdentity> module)
    {
        if (module.IsOk)
            await request.WriteAsync(Show(module.Value), ApiJson.Default.ModuleBody, module.Value.ETag);
        return module.Error;
    }

    private DeviceBody Show(DeviceIdentity device) => DeviceBody.Of(device, presence.StateOf(device.DeviceId, null));

    private ModuleBody Show(ModuleIdentity module) =>
        ModuleBody.Of(module, presence.StateOf(module.DeviceId, module.ModuleId));

    private static HubError ConditionMissing(string what) => new(
        HubErrorCode.ArgumentNull, $"Deleting {what} needs the header If-Match with its etag, or with \"*\" for any.");
}
