namespace Hubbub.Cli;

/// <summary>A device, or a module of one, as it stands on the command line: DEVICE or DEVICE/MODULE.</summary>
internal sealed record IdentityName(string DeviceId, string? ModuleId)
{
    // A slash is in no id.
    public static IdentityName Parse(string text) =>
        text.Split('/', 2) is [var device, var module] ? new(device, module) : new(text, null);

    public override string ToString() => ModuleId is null
        ? $"device '{DeviceId}'"
        : $"module '{ModuleId}' of device '{DeviceId}'";

    /// <summary>Where the registry has it.</summary>
    public string RegistryPath => DeviceId is "." or ".." || ModuleId is "." or ".."
        ? throw new CommandFailedException($"'{DeviceId}' cannot be an id.", ExitCode.Usage)
        : ModuleId is null
            ? $"/devices/{Uri.EscapeDataString(DeviceId)}"
            : $"/devices/{Uri.EscapeDataString(DeviceId)}/modules/{Uri.EscapeDataString(ModuleId)}";
}
