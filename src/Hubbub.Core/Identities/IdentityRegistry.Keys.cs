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
        ExclusivelyAsync(
            deviceId,
            async ValueTask<HubResult<DeviceIdentity>> () =>
            {
                if (FindDevice(deviceId) is not { } device)
                    return NotFound(deviceId);
                var authentication = Regenerate(device.Authentication, choice);
                return authentication is null
                    ? WithoutKeys($"The device '{deviceId}'")
                    : await UpdateAsync(
                        DescriptionOf(device) with { Authentication = authentication },
                        IfMatch.Any,
                        cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);

    /// <summary>The same for a module.</summary>
    /// <returns>The module, or DeviceNotFound, ModuleNotFound, or InvalidOperation when it has no keys.</returns>
    public ValueTask<HubResult<ModuleIdentity>> RegenerateKeysAsync(
        string deviceId, string moduleId, KeyChoice choice, CancellationToken cancellationToken) =>
        ExclusivelyAsync(
            deviceId,
            async ValueTask<HubResult<ModuleIdentity>> () =>
            {
                var found = GetModule(deviceId, moduleId);
                if (!found.IsOk)
                    return found;
                var authentication = Regenerate(found.Value.Authentication, choice);
                if (authentication is null)
                    return WithoutKeys($"The module '{moduleId}' of device '{deviceId}'");
                var wanted = new ModuleDescription
                {
                    DeviceId = deviceId,
                    ModuleId = moduleId,
                    ManagedBy = found.Value.ManagedBy,
                    Authentication = authentication,
                };
                return await UpdateAsync(wanted, IfMatch.Any, cancellationToken).ConfigureAwait(false);
            },
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
