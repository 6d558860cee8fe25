namespace Hubbub.Core.Identities;

/// <summary>
/// What the hub is called: its host names, its own name (the first label), its Event Hubs-compatible entity.
/// </summary>
public sealed class HubIdentity
{
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _hosts;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _names;

    /// <param name="hostNames">At least one, without a port; the first is the one that connection strings name.</param>
    /// <param name="entityName">The name of the built-in events entity (<see cref="HubSettings.EntityName"/>).</param>
    public HubIdentity(IReadOnlyList<string> hostNames, string entityName)
    {
        ArgumentOutOfRangeException.ThrowIfZero(hostNames.Count);
        HostNames = [.. hostNames];
        EntityName = entityName;
        Name = FirstLabel(hostNames[0]);
        var hosts = new HashSet<string>(hostNames, StringComparer.OrdinalIgnoreCase);
        var names = new HashSet<string>(
            hostNames.Concat(hostNames.Select(FirstLabel)), StringComparer.OrdinalIgnoreCase);
        _hosts = hosts.GetAlternateLookup<ReadOnlySpan<char>>();
        _names = names.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Every host name under which the hub answers.</summary>
    public IReadOnlyList<string> HostNames { get; }

    /// <summary>The hub's own name: the first DNS label of the first host name.</summary>
    public string Name { get; }

    public string EntityName { get; }

    /// <summary>True when the name is one of the hub's, ignoring case.</summary>
    public bool IsHost(ReadOnlySpan<char> hostName) => _hosts.Contains(hostName);

    /// <summary>True for a host name or the first label of one, as user names of SASL PLAIN end with either.</summary>
    public bool IsHubName(ReadOnlySpan<char> name) => _names.Contains(name);

    /// <summary>The first DNS label of a host name.</summary>
    public static string FirstLabel(string hostName) => hostName.Split('.', 2)[0];
}
