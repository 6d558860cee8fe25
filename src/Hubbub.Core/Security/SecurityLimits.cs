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

    /// <summary>The largest expiry time that every client can hold in a double: 2^53 seconds.</summary>
    public const long ExpirySecondsMax = 1L << 53;

    /// <summary>How far the clocks of a client and the hub may differ, by default.</summary>
    public static readonly TimeSpan ClockSkewDefault = TimeSpan.FromMinutes(5);

    /// <summary>More tolerance than this would make expiry times meaningless.</summary>
    public static readonly TimeSpan ClockSkewMax = TimeSpan.FromMinutes(10);
}
