using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>How many devices there are, and how many of them are connected.</summary>
internal sealed class StatisticsApi(IdentityRegistry registry, DevicePresence presence)
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/statistics/devices", "Counts the registered devices.", DevicesAsync)
        {
            Gives = "RegistryStatistics",
        },
        new("GET", "/statistics/service", "Counts the connected devices.", ServiceAsync)
        {
            Gives = "ServiceStatistics",
        },
    ];

    private async Task<HubError?> DevicesAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryRead) is { } refusal)
            return refusal;
        var disabled = registry.CountDisabled();
        var total = Math.Max(registry.DeviceCount, disabled);
        await request.WriteAsync(
            new RegistryStatisticsBody(total, total - disabled, disabled), ApiJson.Default.RegistryStatisticsBody);
        return null;
    }

    private async Task<HubError?> ServiceAsync(ApiRequest request)
    {
        // Clients ask for it with either kind of policy.
        if (request.Require(AccessRights.RegistryRead, AccessRights.ServiceConnect) is { } refusal)
            return refusal;
        await request.WriteAsync(
            new ServiceStatisticsBody(presence.ConnectedDeviceCount), ApiJson.Default.ServiceStatisticsBody);
        return null;
    }
}

internal sealed record RegistryStatisticsBody(
    [property: JsonPropertyName("totalDeviceCount")] int TotalDeviceCount,
    [property: JsonPropertyName("enabledDeviceCount")] int EnabledDeviceCount,
    [property: JsonPropertyName("disabledDeviceCount")] int DisabledDeviceCount);

internal sealed record ServiceStatisticsBody(
    [property: JsonPropertyName("connectedDeviceCount")] int ConnectedDeviceCount);
