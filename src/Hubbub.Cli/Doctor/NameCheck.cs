using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Hubbub.Cli.Doctor;

/// <summary>
/// Does the hub's name lead to this machine? Clients put it into DNS and compare it with the certificate.
/// </summary>
internal static class NameCheck
{
    private const string Subject = "host name";

    /// <param name="hostName">The name in connection strings.</param>
    /// <param name="isOfThisMachine">False when the hub runs elsewhere: then any address will do.</param>
    public static async Task<Finding> RunAsync(
        string hostName, bool isOfThisMachine, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(hostName, cancellationToken);
            var list = string.Join(", ", addresses.Select(address => address.ToString()));
            if (addresses.Length > 0 && (!isOfThisMachine || addresses.Any(IsOwn)))
                return Finding.Ok(Subject, $"{hostName} is {list}.");
            return Finding.Warning(
                Subject, $"{hostName} is {list}, which is no address of this machine.",
                "Right when a router forwards to it; otherwise correct the DNS entry.");
        }
        catch (SocketException)
        {
            return Finding.Problem(
                Subject, $"The name {hostName} is not known to this machine.",
                $"Add it to DNS, or to /etc/hosts: {(isOfThisMachine ? "127.0.0.1" : "ADDRESS")} {hostName}");
        }
    }

    private static bool IsOwn(IPAddress address) =>
        IPAddress.IsLoopback(address)
        || NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(network => network.GetIPProperties().UnicastAddresses)
            .Any(own => own.Address.Equals(address));
}
