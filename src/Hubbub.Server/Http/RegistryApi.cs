using System.Globalization;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>The identity registry: <c>/devices</c>, <c>/devices/{id}</c> and the modules below it.</summary>
internal sealed class RegistryApi(IdentityRegistry registry, IdentityViews views)
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/devices", "Lists devices in the order of their ids.", ListDevicesAsync)
        {
            Gives = "Device[]",
            Parameters = ["top"],
        },
        new("GET", "/devices/{deviceId}", "Shows a device.", GetDeviceAsync) { Gives = "Device" },
        new("PUT", "/devices/{deviceId}", "Creates a device, or with If-Match replaces it.", PutDeviceAsync)
        {
            Takes = "Device",
            Gives = "Device",
            Parameters = ["If-Match"],
        },
        new("DELETE", "/devices/{deviceId}", "Removes a device with its modules.", DeleteDeviceAsync)
        {
            Parameters = ["If-Match"],
        },
        new("GET", "/devices/{deviceId}/modules", "Lists the modules of a device.", ListModulesAsync)
        {
            Gives = "Module[]",
        },
        new("GET", "/devices/{deviceId}/modules/{moduleId}", "Shows a module.", GetModuleAsync) { Gives = "Module" },
        new("PUT", "/devices/{deviceId}/modules/{moduleId}", "Creates a module, or with If-Match replaces it.",
            PutModuleAsync)
        {
            Takes = "Module",
            Gives = "Module",
            Parameters = ["If-Match"],
        },
        new("DELETE", "/devices/{deviceId}/modules/{moduleId}", "Removes a module.", DeleteModuleAsync)
        {
            Parameters = ["If-Match"],
        },
    ];

    private async Task<HubError?> ListDevicesAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        var top = IdentityLimits.ListMax;
        if (request.Target.Query("top") is { } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out top)
                || top is < 1 or > IdentityLimits.ListMax))
            return new(HubErrorCode.ArgumentInvalid, $"The parameter top must be 1 to {IdentityLimits.ListMax}.");
        DeviceBody[] bodies = [.. registry.ListDevices(top).Select(views.Show)];
        await request.WriteAsync(bodies, ApiJson.Default.DeviceBodyArray);
        return null;
    }

    private async Task<HubError?> ListModulesAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        var modules = registry.ListModules(request.DeviceId);
        if (!modules.IsOk)
            return modules.Error;
        ModuleBody[] bodies = [.. modules.Value.Select(views.Show)];
        await request.WriteAsync(bodies, ApiJson.Default.ModuleBodyArray);
        return null;
    }

    private async Task<HubError?> GetDeviceAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        return await AnswerAsync(request, registry.GetDevice(request.DeviceId));
    }

    private async Task<HubError?> PutDeviceAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        var body = await request.ReadRequiredAsync(ApiJson.Default.DeviceRequest);
        if (!body.IsOk)
            return body.Error;
        var description = body.Value.ToDescription(request.DeviceId);
        if (!description.IsOk)
            return description.Error;
        return await AnswerAsync(
            request,
            request.Condition is { } condition
                ? await registry.UpdateDeviceAsync(description.Value, condition, request.Aborted)
                : await registry.CreateDeviceAsync(description.Value, request.Aborted));
    }

    private async Task<HubError?> DeleteDeviceAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        if (request.Condition is not { } condition)
            return ConditionMissing($"device '{request.DeviceId}'");
        var deleted = await registry.DeleteDeviceAsync(request.DeviceId, condition, request.Aborted);
        if (deleted.IsOk)
            request.NoContent();
        return deleted.Error;
    }

    private async Task<HubError?> GetModuleAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        return await AnswerAsync(request, registry.GetModule(request.DeviceId, request.ModuleId));
    }

    private async Task<HubError?> PutModuleAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        var body = await request.ReadRequiredAsync(ApiJson.Default.ModuleRequest);
        if (!body.IsOk)
            return body.Error;
        var description = body.Value.ToDescription(request.DeviceId, request.ModuleId);
        if (!description.IsOk)
            return description.Error;
        return await AnswerAsync(
            request,
            request.Condition is { } condition
                ? await registry.UpdateModuleAsync(description.Value, condition, request.Aborted)
                : await registry.CreateModuleAsync(description.Value, request.Aborted));
    }

    private async Task<HubError?> DeleteModuleAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        if (request.Condition is not { } condition)
            return ConditionMissing($"module '{request.ModuleId}' of device '{request.DeviceId}'");
        var deleted = await registry.DeleteModuleAsync(request.DeviceId, request.ModuleId, condition, request.Aborted);
        if (deleted.IsOk)
            request.NoContent();
        return deleted.Error;
    }

    private async Task<HubError?> AnswerAsync(ApiRequest request, HubResult<DeviceIdentity> device)
    {
        if (device.IsOk)
            await request.WriteAsync(views.Show(device.Value), ApiJson.Default.DeviceBody, device.Value.ETag);
        return device.Error;
    }

    private async Task<HubError?> AnswerAsync(ApiRequest request, HubResult<ModuleIdentity> module)
    {
        if (module.IsOk)
            await request.WriteAsync(views.Show(module.Value), ApiJson.Default.ModuleBody, module.Value.ETag);
        return module.Error;
    }

    private static HubError ConditionMissing(string what) => new(
        HubErrorCode.ArgumentNull, $"Deleting {what} needs the header If-Match with its etag, or with \"*\" for any.");
}
