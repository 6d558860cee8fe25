using System.Collections.Immutable;

namespace Hubbub.Core.Identities;

/// <summary>One device with its modules, as the in-memory index holds it: immutable, swapped as a whole.</summary>
internal sealed record DeviceEntry(DeviceIdentity Device, ImmutableArray<ModuleIdentity> Modules)
{
    /// <summary>A device has at most fifty modules, so a scan is quicker than a dictionary and much smaller.</summary>
    public ModuleIdentity? FindModule(ReadOnlySpan<char> moduleId)
    {
        foreach (var module in Modules)
        {
            if (moduleId.SequenceEqual(module.ModuleId))
                return module;
        }
        return null;
    }

    public DeviceEntry With(ModuleIdentity module) =>
        this with { Modules = Without(module.ModuleId).Modules.Add(module) };

    public DeviceEntry Without(string moduleId) =>
        this with { Modules = Modules.RemoveAll(m => m.ModuleId == moduleId) };
}
