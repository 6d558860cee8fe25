using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Core.Security;

/// <summary>
/// The certificate whose private key the peer of a TLS connection has proven to hold, with what it sent to complete
/// the chain. Plain data: nothing in it was checked yet, and nothing has to be disposed of.
/// </summary>
public sealed class ClientCertificate
{
    private const string CommonNameOid = "2.5.4.3";

    private CheckedChain? _chain;

    private ClientCertificate(X509Certificate2 leaf, ImmutableArray<byte[]> intermediates)
    {
        Leaf = leaf.RawData;
        Intermediates = intermediates;
#pragma warning disable CA5350 // The service's registry takes thumbprints of SHA-1 too; nothing is signed with it here.
        Sha1 = Convert.ToHexString(SHA1.HashData(Leaf));
#pragma warning restore CA5350
        Sha256 = Convert.ToHexString(SHA256.HashData(Leaf));
        CommonName = CommonNameOf(leaf.SubjectName);
        NotBefore = new DateTimeOffset(leaf.NotBefore.ToUniversalTime());
        NotAfter = new DateTimeOffset(leaf.NotAfter.ToUniversalTime());
    }

    /// <summary>SHA-1 of the certificate, 40 hexadecimal digits in upper case.</summary>
    public string Sha1 { get; }

    /// <summary>SHA-256 of the certificate, 64 hexadecimal digits in upper case.</summary>
    public string Sha256 { get; }

    /// <summary>The one common name of the subject; null when there is none, or more than one.</summary>
    public string? CommonName { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    /// <summary>The certificate itself, DER.</summary>
    internal byte[] Leaf { get; }

    /// <summary>What the peer sent beside it, DER, in its order.</summary>
    internal ImmutableArray<byte[]> Intermediates { get; }

    /// <summary>Takes what a TLS handshake brought; more intermediates than a chain may have are left out.</summary>
    public static ClientCertificate Of(X509Certificate2 leaf, IEnumerable<byte[]>? intermediates = null) =>
        new(leaf, [.. (intermediates ?? []).Take(SecurityLimits.IntermediatesMax)]);

    /// <summary>True for the SHA-1 or SHA-256 of this certificate in hexadecimal digits of any case.</summary>
    public bool HasThumbprint(string? thumbprint) =>
        thumbprint is not null
        && (thumbprint.Equals(Sha256, StringComparison.OrdinalIgnoreCase)
            || thumbprint.Equals(Sha1, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// Which of the hub's authorities the certificate comes from. The answer is kept until they change, so that a peer
    /// who asks again and again does not have the hub build chains all the time.
    /// </summary>
    internal HubResult<ChainProof> ProveChain(CertificateAuthorities authorities, DateTimeOffset now)
    {
        var all = authorities.All;
        if (_chain is { } known && known.Authorities == all && known.IsGoodAt(now))
            return known.Proof;
        var proof = CertificateChain.Prove(this, authorities, now);
        _chain = new CheckedChain(all, now, proof);
        return proof;
    }

    public override string ToString() => $"certificate {Sha256} of '{CommonName}'";

    private static string? CommonNameOf(X500DistinguishedName subject)
    {
        string? name = null;
        foreach (var part in subject.EnumerateRelativeDistinguishedNames())
        {
            // What is not one plain attribute might hide a second name, so it is none.
            if (part.HasMultipleElements)
                return null;
            if (part.GetSingleElementType().Value != CommonNameOid)
                continue;
            if (name is not null)
                return null;
            name = part.GetSingleElementValue();
        }
        return name;
    }

    private sealed record CheckedChain(
        ImmutableArray<CertificateAuthority> Authorities, DateTimeOffset CheckedAt, HubResult<ChainProof> Proof)
    {
        /// <summary>A chain ends at a known time; what is wrong with a bad one may be over sooner.</summary>
        public bool IsGoodAt(DateTimeOffset now) => Proof.IsOk
            ? now >= CheckedAt && now <= Proof.Value.EndsAt
            : now >= CheckedAt && now - CheckedAt < SecurityLimits.BadChainRemembered;
    }
}

/// <summary>What a chain of certificates has proven.</summary>
/// <param name="AuthorityThumbprint">SHA-256 of the hub's authority at its end, hexadecimal, upper case.</param>
/// <param name="EndsAt">When the first certificate of the chain ends.</param>
internal sealed record ChainProof(string AuthorityThumbprint, DateTimeOffset EndsAt);
