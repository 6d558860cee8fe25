using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Core.Security;

/// <summary>
/// Decides whether a client certificate comes from one of the hub's authorities: RFC 5280 section 6, with nothing
/// trusted but what the owner added, and nothing fetched from anywhere.
/// </summary>
internal static class CertificateChain
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>What the platform says about a chain that ends at one of the hub's intermediate authorities.</summary>
    private const X509ChainStatusFlags EndsOutside =
        X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain;

    /// <returns>The authority and the end of the proof, or Unauthorized with the reason.</returns>
    public static HubResult<ChainProof> Prove(
        ClientCertificate certificate, CertificateAuthorities trusted, DateTimeOffset now)
    {
        var authorities = trusted.All;
        if (authorities.IsEmpty)
            return Refuse("the hub trusts no certificate authority");
        var loaded = new List<X509Certificate2>();
        try
        {
            using var chain = new X509Chain();
            var leaf = Load(certificate.Leaf, loaded);
            if (WhyUnfit(leaf) is { } unfit)
                return Refuse(unfit);
            chain.ChainPolicy = MakePolicy(authorities, now, loaded);
            IEnumerable<byte[]> sent = certificate.Intermediates.IsEmpty
                ? trusted.Chains.Above(certificate.Leaf)
                : certificate.Intermediates;
            foreach (var intermediate in sent)
                chain.ChainPolicy.ExtraStore.Add(Load(intermediate, loaded));
            chain.Build(leaf);
            try
            {
                var proof = Judge(chain, authorities, out var between);
                if (between.Length > 0 && !certificate.Intermediates.IsEmpty)
                    trusted.Remember(certificate.Leaf, between);
                return proof;
            }
            finally
            {
                foreach (var element in chain.ChainElements)
                    element.Certificate.Dispose();
            }
        }
        catch (CryptographicException)
        {
            return Refuse("it, or a certificate sent with it, cannot be read");
        }
        finally
        {
            foreach (var each in loaded)
                each.Dispose();
        }
    }

    private static X509ChainPolicy MakePolicy(
        ImmutableArray<CertificateAuthority> authorities, DateTimeOffset now, List<X509Certificate2> loaded)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // The address in a certificate is the peer's: who fetched from there would do what a stranger says.
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTime = now.UtcDateTime,
            VerificationTimeIgnored = false,
        };
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        foreach (var authority in authorities)
        {
            var anchor = Load(authority.Certificate, loaded);
            if (authority.IsSelfIssued)
                policy.CustomTrustStore.Add(anchor);
            else
                policy.ExtraStore.Add(anchor);
        }
        return policy;
    }

    private static HubResult<ChainProof> Judge(
        X509Chain chain, ImmutableArray<CertificateAuthority> authorities, out byte[][] between)
    {
        between = [];
        if (chain.ChainElements.Count > SecurityLimits.IntermediatesMax + 2)
            return Refuse("its chain is too long");
        var end = DateTimeOffset.MaxValue;
        for (var i = 0; i < chain.ChainElements.Count; i++)
        {
            var element = chain.ChainElements[i];
            var anchor = i == 0 ? null : Find(authorities, element.Certificate);
            if (WhyBad(element, isAnchor: anchor is not null) is { } problem)
                return Refuse(problem);
            var notAfter = new DateTimeOffset(element.Certificate.NotAfter.ToUniversalTime());
            end = notAfter < end ? notAfter : end;
            // What lies above an authority that the owner trusts does not matter.
            if (anchor is null)
                continue;
            between = [.. chain.ChainElements.Take(1..i).Select(each => each.Certificate.RawData)];
            return new ChainProof(anchor.Thumbprint, end);
        }
        return Refuse("no CA of this hub has issued it, or an intermediate certificate was not sent");
    }

    /// <summary>Where the platform finds fault with the chain as a whole, each element says so too.</summary>
    private static string? WhyBad(X509ChainElement element, bool isAnchor)
    {
        foreach (var status in element.ChainElementStatus)
        {
            // Untrusted is what every chain is that ends at an intermediate authority; whether the hub trusts it is
            // decided by the loop above.
            if ((status.Status & ~EndsOutside) != X509ChainStatusFlags.NoError)
                return $"'{element.Certificate.Subject}': {Describe(status.Status & ~EndsOutside)}";
        }
        if (KeyStrength.WhyWeak(element.Certificate) is { } weak)
            return $"'{element.Certificate.Subject}': the key is too weak, {weak}";
        return !isAnchor && KeyStrength.IsSignatureBroken(element.Certificate)
            ? $"'{element.Certificate.Subject}': it is signed over a broken hash"
            : null;
    }

    private static string Describe(X509ChainStatusFlags flags) => flags switch
    {
        X509ChainStatusFlags.NotTimeValid => "it is not valid yet, or no longer",
        X509ChainStatusFlags.NotSignatureValid => "its signature is wrong",
        X509ChainStatusFlags.NotValidForUsage => "it may not be used to authenticate clients",
        X509ChainStatusFlags.InvalidBasicConstraints => "an issuer is not a CA, or the chain is longer than one allows",
        _ => flags.ToString(),
    };

    /// <summary>TLS clients sign with their key (RFC 5246 7.4.8, RFC 8446 4.4.2.4).</summary>
    private static string? WhyUnfit(X509Certificate2 leaf)
    {
        var usage = leaf.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        return usage is not null && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature)
            ? "its key usage does not allow digital signatures"
            : null;
    }

    private static CertificateAuthority? Find(
        ImmutableArray<CertificateAuthority> authorities, X509Certificate2 certificate)
    {
        foreach (var authority in authorities)
        {
            if (certificate.RawDataMemory.Span.SequenceEqual(authority.Certificate))
                return authority;
        }
        return null;
    }

    private static X509Certificate2 Load(byte[] der, List<X509Certificate2> loaded)
    {
        var certificate = X509CertificateLoader.LoadCertificate(der);
        loaded.Add(certificate);
        return certificate;
    }

    private static HubError Refuse(string why) =>
        new(HubErrorCode.Unauthorized, $"The client certificate was refused: {why}.");
}
