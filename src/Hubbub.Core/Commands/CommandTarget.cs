namespace Hubbub.Core.Commands;

/// <summary>Whom a command is for. Ids are compared ordinally.</summary>
/// <param name="DeviceId">The device.</param>
/// <param name="ModuleId">The module of it; null for the device itself.</param>
public readonly record struct CommandTarget(string DeviceId, string? ModuleId = null)
{
    /// <summary>As it is named in texts for people.</summary>
    public override string ToString() =>
        ModuleId is null ? $"device '{DeviceId}'" : $"module '{ModuleId}' of device '{DeviceId}'";
}
