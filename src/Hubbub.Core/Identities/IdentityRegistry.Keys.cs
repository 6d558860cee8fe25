using Hubbub.Core.Security;

namespace Hubbub.Core.Identities;

/// <summary>Which keys of a pair are meant.</summary>
public enum KeyChoice
{
    PrimaryKey,
    SecondaryKey,
    Both,
}

// New keys for those that have keys.
public sealed partial class IdentityRegistry
{
    /// <summary>Gives a device a new key, or two, and leaves the rest as it is.</summary>
    /// <returns>The device, or DeviceNotFound, or InvalidOperation when it has no keys.</returns>
    public ValueTask<HubResult<DeviceIdentity>> RegenerateKeysAsync(
        string deviceId, KeyChoice choice, CancellationToken cancellationToken) =>
        EditAsync(
            deviceId,
            HubResult<DeviceDescription> (device) => Regenerate(device.Authentication, choice) is { } authentication
                ? DescriptionOf(device) with { Authentication = authentication }
                : WithoutKeys($"The device '{deviceId}'"),
            cancellationToken);

    /// <summary>The same for a module.</summary>
    /// <returns>The module, or DeviceNotFound, ModuleNotFound, or InvalidOperation when it has no keys.</returns>
    public ValueTask<HubResult<ModuleIdentity>> RegenerateKeysAsync(
        string deviceId, string moduleId, KeyChoice choice, CancellationToken cancellationToken) =>
        EditAsync(
            deviceId,
            moduleId,
            HubResult<ModuleDescription> (module) => Regenerate(module.Authentication, choice) is { } authentication
                ? new ModuleDescription
                {
                    DeviceId = deviceId,
                    ModuleId = moduleId,
                    ManagedBy = module.ManagedBy,
                    Authentication = authentication,
                }
                : WithoutKeys($"The module '{moduleId}' of device '{deviceId}'"),
            cancellationToken);

    private static IdentityAuthentication? Regenerate(IdentityAuthentication current, KeyChoice choice) =>
        current.Keys is not { } keys ? null : current with
        {
            Keys = new SymmetricKeyPair(
                choice == KeyChoice.SecondaryKey ? keys.Primary : SymmetricKey.Generate(),
                choice == KeyChoice.PrimaryKey ? keys.Secondary : SymmetricKey.Generate()),
        };

    private static HubError WithoutKeys(string whose) =>
        new(HubErrorCode.InvalidOperation, $"{whose} does not authenticate by keys, so it has none to regenerate.");
}
