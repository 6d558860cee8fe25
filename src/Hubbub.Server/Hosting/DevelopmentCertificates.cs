using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Server.Hosting;

/// <summary>
/// The hub's own certificate authority for machines that have no other: one root for ten years, which people trust
/// once, and a server certificate below it that is issued again when names change or its end comes near.
/// </summary>
/// <remarks>
/// The root bears no name constraint: a hub that gets another host name would have to be trusted anew on every
/// machine. What it may do is narrowed otherwise: it signs no further authority, and only for servers.
/// </remarks>
internal sealed class DevelopmentCertificates(string directory, IReadOnlyList<string> hostNames, TimeProvider time)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private static readonly TimeSpan RootLife = TimeSpan.FromDays(3652);

    /// <summary>Browsers and some TLS stacks refuse server certificates that live longer than 398 days.</summary>
    private static readonly TimeSpan ServerLife = TimeSpan.FromDays(397);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    /// <summary>Clocks of devices lag behind; a certificate that is a moment old must be valid there too.</summary>
    private static readonly TimeSpan Backdating = TimeSpan.FromDays(1);

    public string RootPath => Path.Combine(directory, "ca.pem");

    public string RootKeyPath => Path.Combine(directory, "ca-key.pem");

    public string ServerPath => Path.Combine(directory, "server.pem");

    public string ServerKeyPath => Path.Combine(directory, "server-key.pem");

    /// <summary>Makes or renews what is missing, unfit or near its end.</summary>
    /// <returns>True when a server certificate was issued.</returns>
    /// <exception cref="CryptographicException">A file is there but is no certificate or key.</exception>
    public bool Ensure()
    {
        PrivateFile.MakeDirectory(directory);
        using var root = LoadRoot() ?? MakeRoot();
        if (IsServerCertificateFit(root))
            return false;
        IssueServerCertificate(root);
        return true;
    }

    /// <summary>Issues a new server certificate when the one that is <paramref name="shown"/> nears its end.</summary>
    /// <returns>True when one was issued.</returns>
    public bool Renew(X509Certificate2 shown) => !IsFarFromEnd(shown) && Ensure();

    private bool IsFarFromEnd(X509Certificate2 certificate) =>
        certificate.NotAfter.ToUniversalTime() > time.GetUtcNow().UtcDateTime + RenewBefore;

    private X509Certificate2? LoadRoot()
    {
        if (!File.Exists(RootPath) || !File.Exists(RootKeyPath))
            return null;
        var root = X509Certificate2.CreateFromPemFile(RootPath, RootKeyPath);
        if (IsFarFromEnd(root))
            return root;
        root.Dispose();
        return null;
    }

    private X509Certificate2 MakeRoot()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // The name differs from hub to hub: a machine that trusts two of them must tell them apart.
        var mark = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        var request = new CertificateRequest($"CN=Hubbub development CA {mark}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = time.GetUtcNow();
        var root = request.CreateSelfSigned(now - Backdating, now + RootLife);
        PrivateFile.Write(RootKeyPath, key.ExportPkcs8PrivateKeyPem() + "\n", isSecret: true);
        PrivateFile.Write(RootPath, root.ExportCertificatePem() + "\n", isSecret: false);
        return root;
    }

    private bool IsServerCertificateFit(X509Certificate2 root)
    {
        if (!File.Exists(ServerPath) || !File.Exists(ServerKeyPath))
            return false;
        try
        {
            using var server = X509Certificate2.CreateFromPemFile(ServerPath, ServerKeyPath);
            return IsFarFromEnd(server)
                && IsIssuedBy(server, root)
                && NamesOf(server).SetEquals(WantedNames());
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // A crash between the writes of the key and of the certificate leaves two that do not match.
            return false;
        }
    }

    private static bool IsIssuedBy(X509Certificate2 server, X509Certificate2 root)
    {
        var authority = server.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().SingleOrDefault();
        var subject = root.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single();
        return authority?.KeyIdentifier is { } identifier
            && identifier.Span.SequenceEqual(subject.SubjectKeyIdentifierBytes.Span);
    }

    private void IssueServerCertificate(X509Certificate2 root)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // Clients look at the alternative names only; a common name is 64 characters at the most.
        var subject = hostNames[0].Length <= 64 ? hostNames[0] : "Hubbub";
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, true, false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in WantedNames())
        {
            if (IPAddress.TryParse(name, out var address))
                names.AddIpAddress(address);
            else
                names.AddDnsName(name);
        }
        request.CertificateExtensions.Add(names.Build());
        var now = time.GetUtcNow();
        var start = now - Backdating;
        var end = start + ServerLife;
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        using var certificate = request.Create(
            root, start, end < root.NotAfter ? end : root.NotAfter, serial);
        PrivateFile.Write(ServerKeyPath, key.ExportPkcs8PrivateKeyPem() + "\n", isSecret: true);
        PrivateFile.Write(ServerPath, certificate.ExportCertificatePem() + "\n", isSecret: false);
    }

    private SortedSet<string> WantedNames()
    {
        var ascii = new IdnMapping();
        var names = new SortedSet<string>(StringComparer.Ordinal) { "localhost", "127.0.0.1", "::1" };
        foreach (var name in hostNames)
            names.Add(IPAddress.TryParse(name, out _) ? name : ascii.GetAscii(name.ToLowerInvariant()));
        return names;
    }

    private static SortedSet<string> NamesOf(X509Certificate2 certificate)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var extension in certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>())
        {
            names.UnionWith(extension.EnumerateDnsNames());
            names.UnionWith(extension.EnumerateIPAddresses().Select(address => address.ToString()));
        }
        return names;
    }
}
