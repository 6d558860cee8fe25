using System.Collections.Immutable;

namespace Hubbub.Core.Identities;

/// <summary>
/// What an IoT Edge device has beside an ordinary one: two modules that run it, which come and go with the capability,
/// and a scope that its children name as their parent.
/// </summary>
public static class EdgeIdentities
{
    public const string Agent = "$edgeAgent";
    public const string Hub = "$edgeHub";

    /// <summary>The value of <see cref="ModuleIdentity.ManagedBy"/> of these modules.</summary>
    public const string ManagedBy = "iotEdge";

    private const string ScopeScheme = "ms-azure-iot-edge://";

    internal static readonly ImmutableArray<string> SystemModules = [Agent, Hub];

    /// <summary>True for a module that nobody may make, change or remove by itself.</summary>
    public static bool IsSystemModule(string moduleId) => moduleId is Agent or Hub;

    /// <summary>
    /// The scope of a device: that of an Edge device is its own for life, made here unless it was moved from another
    /// hub together with its children; that of another device is its parent's.
    /// </summary>
    internal static string? ScopeOf(DeviceDescription wanted, DeviceIdentity? current, string generationId)
    {
        if (!wanted.IotEdge)
            return wanted.DeviceScope;
        var prefix = $"{ScopeScheme}{wanted.DeviceId}-";
        var known = current is { IotEdge: true } ? current.DeviceScope : wanted.DeviceScope;
        return known?.StartsWith(prefix, StringComparison.Ordinal) == true ? known : prefix + generationId;
    }

    internal static ModuleDescription Describe(string deviceId, string moduleId) =>
        new() { DeviceId = deviceId, ModuleId = moduleId, ManagedBy = ManagedBy };

    internal static HubError Refuse(string deviceId, string moduleId) => new(
        HubErrorCode.SystemModuleModifyUnauthorizedAccess,
        $"The module '{moduleId}' of device '{deviceId}' belongs to IoT Edge and is not changed by itself.");
}
