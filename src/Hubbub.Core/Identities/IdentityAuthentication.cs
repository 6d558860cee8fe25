using Hubbub.Core.Security;

namespace Hubbub.Core.Identities;

/// <summary>How a device or module proves who it is.</summary>
public enum AuthenticationType
{
    /// <summary>Tokens signed with a symmetric key.</summary>
    Sas,

    /// <summary>A client certificate with a registered thumbprint.</summary>
    SelfSigned,

    /// <summary>A client certificate from a registered authority.</summary>
    CertificateAuthority,
    None,
}

/// <summary>
/// What a device or module proves its identity with: keys for <see cref="AuthenticationType.Sas"/>, else none.
/// </summary>
public sealed record IdentityAuthentication
{
    public AuthenticationType Type { get; init; }

    /// <summary>Present if and only if <see cref="Type"/> is <see cref="AuthenticationType.Sas"/>.</summary>
    public SymmetricKeyPair? Keys { get; init; }

    /// <summary>
    /// Hex SHA-1 or SHA-256 of the certificate; only for <see cref="AuthenticationType.SelfSigned"/>.
    /// </summary>
    public string? PrimaryThumbprint { get; init; }

    public string? SecondaryThumbprint { get; init; }
}

public enum DeviceStatus
{
    Enabled,
    Disabled,
}
