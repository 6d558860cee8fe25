using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>A certificate made for a test, with its key and with what lies between it and its root.</summary>
internal sealed class TestCertificate
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    private readonly TestCertificate? _issuer;

    private TestCertificate(string name, TestCertificate? issuer, bool isAuthority)
    {
        _issuer = issuer;
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        _certificate = issuer is null
            ? request.CreateSelfSigned(now.AddDays(-1), now.AddDays(10))
            : request.Create(
                issuer._certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(issuer._key), now.AddDays(-1),
                now.AddDays(9), RandomNumberGenerator.GetBytes(8));
    }

    /// <summary>SHA-256, hexadecimal.</summary>
    public string Thumbprint => _certificate.GetCertHashString(HashAlgorithmName.SHA256);

    /// <summary>The certificate, then those above it, without the root; PEM.</summary>
    public string Chain => _issuer is null
        ? Certificate
        : Certificate + (_issuer._issuer is null ? "" : "\n" + _issuer.Chain);

    public string Certificate => _certificate.ExportCertificatePem();

    public string Key => _key.ExportPkcs8PrivateKeyPem();

    public static TestCertificate SelfSigned(string name) => new(name, null, false);

    public static TestCertificate Root(string name) => new(name, null, true);

    public TestCertificate Intermediate(string name) => new(name, this, true);

    public TestCertificate Leaf(string name) => new(name, this, false);

    /// <summary>Writes chain and key beside each other and gives back their paths.</summary>
    public (string Certificate, string Key) Write(string folder)
    {
        var (certificate, key) = (Path.Combine(folder, $"{Thumbprint[..8]}.pem"), Path.Combine(folder, $"{Thumbprint[..8]}-key.pem"));
        File.WriteAllText(certificate, Chain + "\n");
        File.WriteAllText(key, Key + "\n");
        return (certificate, key);
    }
}
