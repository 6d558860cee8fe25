using System.Net;
using System.Net.Sockets;

namespace Hubbub.Core.Security;

/// <summary>
/// What counts as one address where strangers are counted: an IPv4 address, or a network of 64 bits of IPv6, for that
/// is what one customer has, and can take any address of.
/// </summary>
public static class PeerNetwork
{
    private const int NetworkBytes = 8, AddressBytes = 16;

    /// <summary>
    /// The network that stands for an address; an IPv4 address stands for itself, however it is written.
    /// </summary>
    public static IPAddress Of(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        Span<byte> bytes = stackalloc byte[AddressBytes];
        address.TryWriteBytes(bytes, out _);
        bytes[NetworkBytes..].Clear();
        return new IPAddress(bytes);
    }
}
