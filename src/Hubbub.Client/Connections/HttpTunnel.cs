using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;

namespace Hubbub.Client.Connections;

/// <summary>A TCP connection through an HTTP proxy, by CONNECT (RFC 9110, 9.3.6).</summary>
internal static class HttpTunnel
{
    private static ReadOnlySpan<byte> EndOfHead => "\r\n\r\n"u8;

    /// <exception cref="HubbubException">The proxy cannot be reached, or does not let this through.</exception>
    public static async Task<Stream> OpenAsync(
        Uri proxy, IWebProxy settings, Uri target, ServerAddress address, CancellationToken cancellationToken)
    {
        var stream = await Dialer.ConnectAsync(proxy.IdnHost, proxy.Port, address, cancellationToken)
            .ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(Request(proxy, settings, target), cancellationToken).ConfigureAwait(false);
            var status = await ReadStatusAsync(stream, proxy, address, cancellationToken).ConfigureAwait(false);
            if (status is < 200 or >= 300)
                throw Refused(proxy, address, Explain(status, settings.Credentials is not null));
            return stream;
        }
        catch (Exception e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            if (e is IOException)
                throw Refused(proxy, address, e.Message);
            throw;
        }
    }

    private static byte[] Request(Uri proxy, IWebProxy settings, Uri target)
    {
        var authority = string.Create(CultureInfo.InvariantCulture, $"{target.IdnHost}:{target.Port}");
        if (target.HostNameType == UriHostNameType.IPv6)
            authority = string.Create(CultureInfo.InvariantCulture, $"[{target.IdnHost.Trim('[', ']')}]:{target.Port}");
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
        if (settings.Credentials?.GetCredential(proxy, "Basic") is { } credential)
        {
            var pair = Encoding.UTF8.GetBytes($"{credential.UserName}:{credential.Password}");
            head.Append(CultureInfo.InvariantCulture, $"Proxy-Authorization: Basic {Convert.ToBase64String(pair)}\r\n");
        }
        return Encoding.ASCII.GetBytes(head.Append("\r\n").ToString());
    }

    // Byte by byte to the end of the head: what follows belongs to the server.
    private static async Task<int> ReadStatusAsync(
        Stream stream, Uri proxy, ServerAddress address, CancellationToken cancellationToken)
    {
        var head = ArrayPool<byte>.Shared.Rent(ClientLimits.ProxyHeadBytesMax);
        try
        {
            for (var length = 0; length < ClientLimits.ProxyHeadBytesMax; length++)
            {
                if (await stream.ReadAsync(head.AsMemory(length, 1), cancellationToken).ConfigureAwait(false) == 0)
                    throw Refused(proxy, address, "it closed the connection");
                if (head.AsSpan(0, length + 1).EndsWith(EndOfHead))
                    return StatusOf(head.AsSpan(0, length));
            }
            throw Refused(proxy, address, "its answer is too long");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(head);
        }
    }

    // HTTP/1.1 200 Connection established
    private static int StatusOf(ReadOnlySpan<byte> head)
    {
        var space = head.IndexOf((byte)' ');
        return head.StartsWith("HTTP/1."u8) && space > 0 && head.Length >= space + 4
            && int.TryParse(head.Slice(space + 1, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status)
                ? status
                : 0;
    }

    private static string Explain(int status, bool hasCredentials) => status switch
    {
        407 when hasCredentials => "it answered 407: it does not take these credentials by Basic authentication",
        407 => "it answered 407: it wants credentials",
        _ => string.Create(CultureInfo.InvariantCulture, $"it answered {status}"),
    };

    private static HubbubException Refused(Uri proxy, ServerAddress address, string why) => new(
        HubbubCondition.Unreachable,
        $"the proxy {proxy.Host}:{proxy.Port} does not let the connection through: {why}",
        address.ToString());
}
