using System.Net;
using Hubbub.Core.Security;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Delivery by HTTPS POST of a JSON array of events.</summary>
public sealed record WebhookOptions : SinkOptions
{
    /// <summary>Where to; https, or http where <see cref="SinkPolicy.AllowPrivateAddresses"/> is set.</summary>
    public required string Url { get; init; }

    /// <summary>The key of the signature that each request carries. Stored encrypted.</summary>
    public required SymmetricKey Secret { get; init; }

    /// <summary>From connecting to the answer's status line.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Certificates in PEM form that the server's must descend from, instead of the system's authorities; null: those.
    /// </summary>
    public string? CaCertificates { get; init; }

    public override DispatchOptions DefaultDispatch => new()
    {
        BatchCountMax = 500,
        BatchBytesMax = 256 * 1024,
        Linger = TimeSpan.FromMilliseconds(200),
    };

    public override string? Validate(SinkPolicy policy)
    {
        if (Url.Length > DispatchLimits.UrlLengthMax || !Uri.TryCreate(Url, UriKind.Absolute, out var uri)
            || uri.Host.Length == 0 || uri.Scheme is not ("https" or "http"))
        {
            return "The URL of a webhook must be absolute and start with https://, at most "
                + $"{DispatchLimits.UrlLengthMax} characters.";
        }
        if (Url.AsSpan().ContainsAnyInRange('\0', ' '))
            return "The URL of a webhook must hold no blanks or control characters; write them as %20 and the like.";
        if (uri.Scheme == "http" && !policy.AllowPrivateAddresses)
        {
            return "The URL of a webhook must start with https://, unless the hub is started with "
                + "--allow-private-webhooks.";
        }
        if (!policy.AllowPrivateAddresses && IPAddress.TryParse(uri.IdnHost, out var address)
            && !PublicAddresses.Contains(address))
        {
            // What a name leads to is checked when it is connected to; of an address it can be said at once.
            return $"The URL of a webhook must not lead to {address}, which is no public address, unless the hub is "
                + "started with --allow-private-webhooks.";
        }
        if (uri.UserInfo.Length > 0)
            return "The URL of a webhook must hold no user name or password; verify the signature instead.";
        if (uri.Fragment.Length > 0)
            return "The URL of a webhook must have no fragment (#...), for it would not be sent.";
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromMinutes(2))
            return "The time-out of a webhook must be 1 second to 2 minutes.";
        if (CaCertificates is { } pem && !PemCertificates.TryRead(pem, out _))
        {
            return "The CA certificates of a webhook must be in PEM form (-----BEGIN CERTIFICATE-----), at most "
                + $"{DispatchLimits.CertificatesLengthMax} characters.";
        }
        return null;
    }
}
