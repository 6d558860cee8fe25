using Hubbub.Core;
using Hubbub.Core.Identities;

namespace Hubbub.Cli;

/// <summary>A device, or a module of one, as it stands on the command line: DEVICE or DEVICE/MODULE.</summary>
internal sealed record IdentityName(string DeviceId, string? ModuleId)
{
    /// <exception cref="CommandFailedException">No device or module can have this id; the text says why.</exception>
    public static IdentityName Parse(string text)
    {
        // A slash is in no id.
        if (text.Split('/', 2) is not [var device, var module])
            return OfDevice(text);
        Check(IdentityId.WhyInvalid("module id", module));
        return OfDevice(device) with { ModuleId = module };
    }

    /// <exception cref="CommandFailedException">No device can have this id; the text says why.</exception>
    public static IdentityName OfDevice(string id)
    {
        Check(IdentityId.WhyInvalid("device id", id));
        return new(id, null);
    }

    public override string ToString() => ModuleId is null
        ? $"device '{DeviceId}'"
        : $"module '{ModuleId}' of device '{DeviceId}'";

    /// <summary>Where the registry has it.</summary>
    public string RegistryPath => ModuleId is null
        ? $"/devices/{Uri.EscapeDataString(DeviceId)}"
        : $"/devices/{Uri.EscapeDataString(DeviceId)}/modules/{Uri.EscapeDataString(ModuleId)}";

    private static void Check(HubError? invalid)
    {
        if (invalid is not null)
            throw new CommandFailedException(invalid.Message);
    }
}
