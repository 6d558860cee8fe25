using System.Net;
using System.Text;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>What a client says in SASL.</summary>
internal static class SaslCredentials
{
    /// <summary>The claim follows by put-token; every hub of the Azure family offers this mechanism.</summary>
    public static SaslInit Cbs { get; } = new() { Mechanism = "MSSBCBS" };

    /// <summary>
    /// User name and token of an IoT hub's identity (amqp.md 2.3):
    /// <c>{device}[/modules/{module}]@sas.{hub}</c> or <c>{policy}@sas.root.{hub}</c>.
    /// </summary>
    public static SaslInit Plain(ConnectionString to, SasToken token)
    {
        var name = to switch
        {
            { DeviceId: null } => $"{to.PolicyName}@sas.root.",
            { ModuleId: null } => $"{to.DeviceId}@sas.",
            _ => $"{to.DeviceId}/modules/{to.ModuleId}@sas.",
        };
        // The hub's short name is the first label; an address has none.
        var isAddress = IPAddress.TryParse(to.HostName, out _);
        var hub = isAddress ? to.HostName : to.HostName.Split('.', 2)[0];
        return new SaslInit
        {
            Mechanism = "PLAIN",
            InitialResponse = Encoding.UTF8.GetBytes($"\0{name}{hub}\0{token.Value}"),
            Hostname = to.HostName,
        };
    }
}
