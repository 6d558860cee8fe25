using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Server.Tests.Security;

/// <summary>What is unusual about a certificate; what is not said is as it should be.</summary>
internal sealed record Shape
{
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string AnyUsage = "2.5.29.37.0";

    /// <summary>The whole subject; null for CN={name}.</summary>
    public string? Subject { get; init; }

    public string Key { get; init; } = "P-256";

    public bool IsAuthority { get; init; }

    /// <summary>Without basic constraints, as version 1 certificates are.</summary>
    public bool NoConstraints { get; init; }

    public int? PathLength { get; init; }

    public X509KeyUsageFlags? KeyUsage { get; init; }

    public string[]? ExtendedKeyUsage { get; init; }

    public string? AlternativeName { get; init; }

    public TimeSpan From { get; init; } = -TimeSpan.FromDays(1);

    public TimeSpan Until { get; init; } = TimeSpan.FromDays(30);

    public HashAlgorithmName Hash { get; init; } = HashAlgorithmName.SHA256;

    /// <summary>A critical extension that nobody knows.</summary>
    public bool UnknownCritical { get; init; }

    /// <summary>Where a hostile certificate would have its issuer fetched from.</summary>
    public string? IssuerAddress { get; init; }
}

/// <summary>A certificate with its key, made at test time, that can sign others.</summary>
internal sealed class Issuer
{
    /// <summary>RSA keys take their time, and nothing here depends on their being different.</summary>
    private static readonly ConcurrentDictionary<string, RSA> s_rsaKeys = new();

    private Issuer(X509Certificate2 certificate, Issuer? parent) => (Certificate, Parent) = (certificate, parent);

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; }

    public Issuer? Parent { get; }

    /// <summary>What a client sends beside its own certificate: all above it but the root.</summary>
    public X509Certificate2Collection Intermediates
    {
        get
        {
            var all = new X509Certificate2Collection();
            for (var each = Parent; each is { Parent: not null }; each = each.Parent)
                all.Add(each.Certificate);
            return all;
        }
    }

    public static Issuer Root(string name, Shape? shape = null) => Make(name, Authority(shape), null);

    public static Issuer SelfSigned(string name, Shape? shape = null) => Make(name, shape ?? new Shape(), null);

    public Issuer Intermediate(string name, Shape? shape = null) => Make(name, Authority(shape), this);

    public Issuer Leaf(string name, Shape? shape = null) => Make(name, shape ?? new Shape(), this);

    private static Shape Authority(Shape? shape) => (shape ?? new Shape()) with { IsAuthority = true };

    private static Issuer Make(string name, Shape shape, Issuer? parent)
    {
        var (request, key) = NewRequest(new X500DistinguishedName(shape.Subject ?? $"CN={name}"), shape);
        if (!shape.NoConstraints)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
                shape.IsAuthority, shape.PathLength is not null, shape.PathLength ?? 0, critical: true));
        }
        var usage = shape.KeyUsage
            ?? (shape.IsAuthority ? X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign : X509KeyUsageFlags.DigitalSignature);
        if (usage != X509KeyUsageFlags.None)
            request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, critical: true));
        if ((shape.ExtendedKeyUsage ?? (shape.IsAuthority ? null : [Shape.ClientAuthentication])) is { Length: > 0 } extended)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. extended.Select(each => new Oid(each))], false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        if (shape.AlternativeName is { } alternative)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(alternative);
            request.CertificateExtensions.Add(names.Build());
        }
        if (shape.UnknownCritical)
            request.CertificateExtensions.Add(new X509Extension("1.2.3.4.5.6.7", [5, 0], critical: true));
        if (shape.IssuerAddress is { } address)
            request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension([], [address]));
        if (parent is not null)
        {
            request.CertificateExtensions.Add(
                X509AuthorityKeyIdentifierExtension.CreateFromCertificate(parent.Certificate, true, false));
        }
        var now = TimeProvider.System.GetUtcNow();
        using var signed = Sign(request, parent, key, now + shape.From, now + shape.Until);
        using var withKey = key is RSA rsa ? signed.CopyWithPrivateKey(rsa) : signed.CopyWithPrivateKey((ECDsa)key);
        // Through PKCS#12, because a key that lives beside its certificate in memory only is not for every TLS.
        return new Issuer(X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null), parent);
    }

    private static X509Certificate2 Sign(
        CertificateRequest request, Issuer? parent, AsymmetricAlgorithm key, DateTimeOffset from, DateTimeOffset until)
    {
        var issuer = parent?.Certificate;
        using var parentKey = issuer is null ? null : (AsymmetricAlgorithm?)issuer.GetRSAPrivateKey() ?? issuer.GetECDsaPrivateKey();
        var generator = (parentKey ?? key) switch
        {
            RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
            ECDsa ec when request.HashAlgorithm == HashAlgorithmName.SHA1 => new Sha1Generator(ec),
            ECDsa ec => X509SignatureGenerator.CreateForECDsa(ec),
            _ => throw new NotSupportedException(),
        };
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        return request.Create(issuer?.SubjectName ?? request.SubjectName, generator, from, until, serial);
    }

    /// <summary>The platform refuses to make what its peers may still send.</summary>
    private sealed class Sha1Generator(ECDsa key) : X509SignatureGenerator
    {
        /// <summary>ecdsa-with-SHA1 (RFC 3279 2.2.3), DER.</summary>
        private static readonly byte[] s_algorithm = [0x30, 9, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1];

        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => s_algorithm;

#pragma warning disable CA5350 // It is made to be refused.
        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) =>
            key.SignData(data, HashAlgorithmName.SHA1, DSASignatureFormat.Rfc3279DerSequence);
#pragma warning restore CA5350

        protected override PublicKey BuildPublicKey() => CreateForECDsa(key).PublicKey;
    }

    private static (CertificateRequest Request, AsymmetricAlgorithm Key) NewRequest(X500DistinguishedName subject, Shape shape)
    {
        if (shape.Key.StartsWith("RSA-", StringComparison.Ordinal))
        {
            var rsa = s_rsaKeys.GetOrAdd(
                shape.Key, key => RSA.Create(int.Parse(key[4..], System.Globalization.CultureInfo.InvariantCulture)));
            return (new CertificateRequest(subject, rsa, shape.Hash, RSASignaturePadding.Pkcs1), rsa);
        }
        var ec = ECDsa.Create(shape.Key switch
        {
            "P-384" => ECCurve.NamedCurves.nistP384,
            "P-521" => ECCurve.NamedCurves.nistP521,
            "P-192" => ECCurve.CreateFromFriendlyName("secp192r1"),
            _ => ECCurve.NamedCurves.nistP256,
        });
        return (new CertificateRequest(subject, ec, shape.Hash), ec);
    }
}
