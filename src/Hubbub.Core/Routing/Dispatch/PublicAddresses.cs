using System.Net;
using System.Net.Sockets;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>
/// Tells addresses of the open internet from those that mean this machine, its network or its cloud's own services
/// (IANA's special-purpose registries). An address that holds another one is as public as that.
/// </summary>
public static class PublicAddresses
{
    private static readonly IPNetwork[] Special4 =
    [
        IPNetwork.Parse("0.0.0.0/8"), // this network
        IPNetwork.Parse("10.0.0.0/8"), // private
        IPNetwork.Parse("100.64.0.0/10"), // carriers' NAT, and a cloud's metadata
        IPNetwork.Parse("127.0.0.0/8"), // loopback
        IPNetwork.Parse("168.63.129.16/32"), // Azure's host, from inside a virtual machine
        IPNetwork.Parse("169.254.0.0/16"), // link-local, and most clouds' metadata
        IPNetwork.Parse("172.16.0.0/12"), // private
        IPNetwork.Parse("192.0.0.0/24"), // protocol assignments, and a cloud's metadata
        IPNetwork.Parse("192.0.2.0/24"), // documentation
        IPNetwork.Parse("192.88.99.0/24"), // 6to4 relays
        IPNetwork.Parse("192.168.0.0/16"), // private
        IPNetwork.Parse("198.18.0.0/15"), // benchmarks
        IPNetwork.Parse("198.51.100.0/24"), // documentation
        IPNetwork.Parse("203.0.113.0/24"), // documentation
        IPNetwork.Parse("224.0.0.0/4"), // multicast
        IPNetwork.Parse("240.0.0.0/4"), // reserved, and broadcast
    ];

    // All that is routed publicly lies in here; loopback, unique-local, link-local, site-local and multicast do not.
    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");

    private static readonly IPNetwork[] Special6 =
    [
        IPNetwork.Parse("2001::/23"), // protocol assignments; among them Teredo, which holds other addresses
        IPNetwork.Parse("2001:db8::/32"), // documentation
        IPNetwork.Parse("3fff::/20"), // documentation
    ];

    /// <summary>True for an address that anybody on the internet would reach the same host by.</summary>
    public static bool Contains(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return Contains(address.MapToIPv4());
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return !IsIn(Special4, address);
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        // A scope would not change where a global address leads, and IPNetwork compares it.
        var plain = new IPAddress(address.GetAddressBytes());
        if (Nat64.Contains(plain))
            return Contains(Embedded(plain, 12));
        if (SixToFour.Contains(plain))
            return Contains(Embedded(plain, 2));
        return Global6.Contains(plain) && !IsIn(Special6, plain);
    }

    private static IPAddress Embedded(IPAddress address, int at) =>
        new(address.GetAddressBytes().AsSpan(at, 4));

    private static bool IsIn(IPNetwork[] networks, IPAddress address)
    {
        foreach (var network in networks)
        {
            if (network.Contains(address))
                return true;
        }
        return false;
    }
}
