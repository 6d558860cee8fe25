namespace Hubbub.Core.Security;

/// <summary>The bounds on everything that a peer offers as a credential, each with its reason.</summary>
public static class SecurityLimits
{
    /// <summary>Characters in a token. Real tokens stay below 600; the bound keeps every buffer on the stack.</summary>
    public const int TokenLengthMax = 2048;

    /// <summary>
    /// Characters in a user name of SASL PLAIN: two percent-encoded ids of 128 characters and a host name.
    /// </summary>
    public const int UserNameLengthMax = 1280;

    /// <summary>A key shorter than this can be guessed.</summary>
    public const int KeyBytesMin = 16;

    /// <summary>The service's documented maximum.</summary>
    public const int KeyBytesMax = 64;

    /// <summary>Base64 text of the longest key (88 characters), with room for line ends.</summary>
    public const int KeyTextLengthMax = 96;

    /// <summary>The output length of HMAC-SHA256: longer keys add nothing.</summary>
    public const int GeneratedKeyBytes = 32;

    /// <summary>The service's documented maximum of shared access policies.</summary>
    public const int PoliciesMax = 16;

    /// <summary>Policies with ServiceConnect: the service's documented maximum.</summary>
    public const int ServicePoliciesMax = 10;

    /// <summary>Characters in the name of a policy or CA certificate: the service's documented maximum.</summary>
    public const int NameLengthMax = 64;

    /// <summary>CA certificates of a hub: the service's documented maximum.</summary>
    public const int AuthoritiesMax = 25;

    /// <summary>A certificate of RSA 8192 with all its extensions takes less.</summary>
    public const int CertificateBytesMax = 32 << 10;

    /// <summary>Intermediate certificates that a client may send; more than any public hierarchy has.</summary>
    public const int IntermediatesMax = 8;

    /// <summary>Certificates whose chain is remembered, about 60 bytes each: more than a hub has connections.</summary>
    public const int KnownChainsMax = 131_072;

    /// <summary>
    /// Different chains remembered; the devices of one intermediate authority share one. Each is a few KiB, and 256 KiB
    /// (<see cref="IntermediatesMax"/> of <see cref="CertificateBytesMax"/>) at most.
    /// </summary>
    public const int DistinctChainsMax = 1_024;

    /// <summary>Identities proven at once by a certificate that they share: a device and its modules, mostly.</summary>
    public const int PinnedClaimsMax = 51;

    /// <summary>NIST SP 800-57: less than this is broken within a certificate's life.</summary>
    public const int RsaBitsMin = 2048;

    /// <summary>NIST SP 800-57: the strength of RSA 3072.</summary>
    public const int EllipticCurveBitsMin = 256;

    /// <summary>The largest expiry time that every client can hold in a double: 2^53 seconds.</summary>
    public const long ExpirySecondsMax = 1L << 53;

    /// <summary>How far the clocks of a client and the hub may differ, by default.</summary>
    public static readonly TimeSpan ClockSkewDefault = TimeSpan.FromMinutes(5);

    /// <summary>How long a refused chain is not built again for the same connection.</summary>
    public static readonly TimeSpan BadChainRemembered = TimeSpan.FromSeconds(10);

    /// <summary>More tolerance than this would make expiry times meaningless.</summary>
    public static readonly TimeSpan ClockSkewMax = TimeSpan.FromMinutes(10);
}
