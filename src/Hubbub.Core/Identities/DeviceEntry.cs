using Hubbub.Core.Identities.Records;

namespace Hubbub.Core.Identities;

/// <summary>One device as it was found, and the way to its modules.</summary>
internal sealed class DeviceEntry(IdentityIndex index, int number, DeviceIdentity device)
{
    public DeviceIdentity Device => device;

    /// <summary>Its modules now, in no order.</summary>
    public IEnumerable<ModuleIdentity> Modules => index.ModulesOf(number).Select(static m => m.Module)
        .Where(m => m.DeviceId == device.DeviceId); // The number may have passed to another device by now.

    public ModuleIdentity? FindModule(ReadOnlySpan<char> moduleId) => index.FindModule(device.DeviceId, moduleId);
}
