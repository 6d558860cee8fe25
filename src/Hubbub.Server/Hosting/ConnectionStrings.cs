using Hubbub.Core.Security;

namespace Hubbub.Server.Hosting;

/// <summary>
/// The connection strings of the policies, in the very form that all clients take: no port, no key of our own, since
/// some refuse what they do not know.
/// </summary>
internal static class ConnectionStrings
{
    /// <summary>Policy name to the hub's connection string.</summary>
    public static IReadOnlyDictionary<string, string> OfHub(HubCore core) =>
        core.Settings.Policies.All.ToDictionary(
            static policy => policy.Name,
            policy => $"HostName={core.Hub.HostNames[0]};SharedAccessKeyName={policy.Name};"
                + $"SharedAccessKey={policy.Keys.Primary.Reveal()}");

    /// <summary>Policy name to the events entity's connection string, for the policies that may read events.</summary>
    public static IReadOnlyDictionary<string, string> OfEvents(HubCore core) =>
        core.Settings.Policies.All.Where(static policy => policy.Allows(AccessRights.ServiceConnect)).ToDictionary(
            static policy => policy.Name,
            policy => $"Endpoint=sb://{core.Hub.HostNames[0]}/;SharedAccessKeyName={policy.Name};"
                + $"SharedAccessKey={policy.Keys.Primary.Reveal()};EntityPath={core.Hub.EntityName}");
}
