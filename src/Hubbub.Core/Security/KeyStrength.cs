using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Core.Security;

/// <summary>Which keys and signatures of certificates are strong enough to prove anything.</summary>
internal static class KeyStrength
{
    private const string RsaEncryption = "1.2.840.113549.1.1.1";
    private const string RsaPss = "1.2.840.113549.1.1.10";
    private const string EllipticCurve = "1.2.840.10045.2.1";

    /// <summary>Signatures over MD5 or SHA-1, whose collisions can be computed.</summary>
    private static readonly HashSet<string> BrokenSignatures =
    [
        "1.2.840.113549.1.1.2", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.3.14.3.2.29", "1.2.840.10045.4.1",
        "1.2.840.10040.4.3",
    ];

    /// <summary>Why the key could be broken; null when it could not.</summary>
    public static string? WhyWeak(X509Certificate2 certificate)
    {
        switch (certificate.PublicKey.Oid.Value)
        {
            case RsaEncryption or RsaPss:
                using (var rsa = certificate.GetRSAPublicKey())
                {
                    return rsa is null || rsa.KeySize < SecurityLimits.RsaBitsMin
                        ? $"RSA of {rsa?.KeySize} bits, less than {SecurityLimits.RsaBitsMin}"
                        : null;
                }
            case EllipticCurve:
                using (var ec = certificate.GetECDsaPublicKey())
                {
                    return ec is null || ec.KeySize < SecurityLimits.EllipticCurveBitsMin
                        ? $"an elliptic curve of {ec?.KeySize} bits, less than {SecurityLimits.EllipticCurveBitsMin}"
                        : null;
                }
            default:
                // Ed25519, Ed448 and the post-quantum ones have no weak sizes; TLS has decided whether it knows them.
                return null;
        }
    }

    /// <summary>True when the certificate's own signature is over a broken hash.</summary>
    public static bool IsSignatureBroken(X509Certificate2 certificate) =>
        BrokenSignatures.Contains(certificate.SignatureAlgorithm.Value ?? "");
}
