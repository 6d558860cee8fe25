using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Core.Security;

/// <summary>
/// A certificate authority that the hub's owner trusts to sign devices' certificates: a root, or an intermediate one
/// whose own issuer then does not matter.
/// </summary>
public sealed record CertificateAuthority
{
    private CertificateAuthority(string name, X509Certificate2 certificate, DateTimeOffset createdAt)
    {
        Name = name;
        Certificate = certificate.RawData;
        Thumbprint = Convert.ToHexString(SHA256.HashData(Certificate));
        Subject = certificate.Subject;
        NotBefore = new DateTimeOffset(certificate.NotBefore.ToUniversalTime());
        NotAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        IsSelfIssued = certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
        CreatedAt = createdAt;
    }

    /// <summary>How the owner calls it; compared ignoring case.</summary>
    public string Name { get; }

    /// <summary>The certificate, DER.</summary>
    public byte[] Certificate { get; }

    /// <summary>SHA-256 of the certificate, hexadecimal, upper case.</summary>
    public string Thumbprint { get; }

    /// <summary>The subject, in the order of RFC 4514.</summary>
    public string Subject { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    public DateTimeOffset CreatedAt { get; }

    /// <summary>True for a root.</summary>
    internal bool IsSelfIssued { get; }

    public bool Equals(CertificateAuthority? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Thumbprint);

    /// <summary>Reads a certificate and looks whether it may sign others.</summary>
    /// <param name="name">1 to 64 ASCII letters, digits or <c>. _ -</c>.</param>
    /// <param name="certificate">One certificate, DER.</param>
    /// <param name="now">The time at which it must not be over, and from which it counts as added.</param>
    /// <returns>The authority, or ArgumentInvalid with the reason.</returns>
    public static HubResult<CertificateAuthority> Create(string name, byte[] certificate, DateTimeOffset now)
    {
        if (name.Length is 0 or > SecurityLimits.NameLengthMax || !name.All(IsNameCharacter))
        {
            return Invalid(name.Length > SecurityLimits.NameLengthMax ? name[..SecurityLimits.NameLengthMax] : name,
                $"its name is not 1 to {SecurityLimits.NameLengthMax} ASCII letters, digits or . _ -");
        }
        if (certificate.Length > SecurityLimits.CertificateBytesMax)
            return Invalid(name, $"it is longer than {SecurityLimits.CertificateBytesMax} bytes");
        try
        {
            using var parsed = X509CertificateLoader.LoadCertificate(certificate);
            if (WhyNoAuthority(parsed) is { } problem)
                return Invalid(name, problem);
            var authority = new CertificateAuthority(name, parsed, now);
            return authority.NotAfter < now ? Invalid(name, $"it ended on {authority.NotAfter:yyyy-MM-dd}") : authority;
        }
        catch (CryptographicException)
        {
            return Invalid(name, "it is not an X.509 certificate");
        }
    }

    /// <summary>Reads what was stored; it is not looked at again, for it may have ended since.</summary>
    /// <exception cref="CryptographicException">It is no certificate.</exception>
    public static CertificateAuthority Restore(string name, byte[] certificate, DateTimeOffset createdAt)
    {
        using var parsed = X509CertificateLoader.LoadCertificate(certificate);
        return new CertificateAuthority(name, parsed, createdAt);
    }

    private static string? WhyNoAuthority(X509Certificate2 certificate)
    {
        var constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
        if (constraints is not { CertificateAuthority: true })
            return "it is not a CA certificate (basic constraints CA:TRUE)";
        var usage = certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        if (usage is not null && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign))
            return "its key usage does not allow it to sign certificates";
        return KeyStrength.WhyWeak(certificate) is { } weak ? $"its key is too weak: {weak}" : null;
    }

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';

    private static HubError Invalid(string name, string why) =>
        new(HubErrorCode.ArgumentInvalid, $"The CA certificate '{name}' is not accepted: {why}.");
}
