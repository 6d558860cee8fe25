using System.Collections.Immutable;

namespace Hubbub.Core.Security;

/// <summary>The hub's shared access policies: an immutable list of at most sixteen, looked up by name.</summary>
public sealed class AccessPolicies
{
    public const string Owner = "iothubowner";
    public const string Service = "service";
    public const string Device = "device";
    public const string RegistryRead = "registryRead";
    public const string RegistryReadWrite = "registryReadWrite";

    /// <exception cref="ArgumentException">Too many policies, or two of one name.</exception>
    public AccessPolicies(IEnumerable<AccessPolicy> policies)
    {
        All = [.. policies];
        if (All.Length > SecurityLimits.PoliciesMax)
            throw new ArgumentException($"{All.Length} policies; at most {SecurityLimits.PoliciesMax} are allowed.");
        if (All.DistinctBy(p => p.Name, StringComparer.OrdinalIgnoreCase).Count() != All.Length)
            throw new ArgumentException("Two policies have the same name.");
    }

    public ImmutableArray<AccessPolicy> All { get; }

    /// <summary>The five policies that every new hub has, each with its own fresh random keys.</summary>
    public static AccessPolicies CreateDefault() => new(
    [
        Create(Owner, AccessRights.RegistryWrite | AccessRights.ServiceConnect | AccessRights.DeviceConnect),
        Create(Service, AccessRights.ServiceConnect),
        Create(Device, AccessRights.DeviceConnect),
        Create(RegistryRead, AccessRights.RegistryRead),
        Create(RegistryReadWrite, AccessRights.RegistryWrite),
    ]);

    /// <summary>The policy of that name, ignoring case; null when there is none.</summary>
    public AccessPolicy? Find(ReadOnlySpan<char> name)
    {
        foreach (var policy in All)
        {
            if (name.Equals(policy.Name, StringComparison.OrdinalIgnoreCase))
                return policy;
        }
        return null;
    }

    private static AccessPolicy Create(string name, AccessRights rights) =>
        new(name, rights, SymmetricKeyPair.Generate());
}
