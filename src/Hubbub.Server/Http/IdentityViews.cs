using Hubbub.Core.Commands;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Http;

/// <summary>Identities as the service shows them: what is registered, with what their connections tell.</summary>
internal sealed class IdentityViews(DevicePresence presence, CommandQueues commands)
{
    public DeviceBody Show(DeviceIdentity device) =>
        DeviceBody.Of(device, PresenceOf(device), CommandCountOf(device));

    public ModuleBody Show(ModuleIdentity module) =>
        ModuleBody.Of(module, PresenceOf(module), CommandCountOf(module));

    public PresenceState PresenceOf(DeviceIdentity device) => presence.StateOf(device.DeviceId, null);

    public PresenceState PresenceOf(ModuleIdentity module) => presence.StateOf(module.DeviceId, module.ModuleId);

    /// <summary>Commands that wait for it or that it has not settled.</summary>
    public int CommandCountOf(DeviceIdentity device) => commands.CountOf(new CommandTarget(device.DeviceId));

    public int CommandCountOf(ModuleIdentity module) =>
        commands.CountOf(new CommandTarget(module.DeviceId, module.ModuleId));
}
