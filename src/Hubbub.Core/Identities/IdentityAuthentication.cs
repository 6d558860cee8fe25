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
    private readonly ProtectedKeys? _protectedKeys;
    private SymmetricKeyPair? _keys;

    public IdentityAuthentication()
    {
    }

    internal IdentityAuthentication(ProtectedKeys? keys) => _protectedKeys = keys;

    public AuthenticationType Type { get; init; }

    /// <summary>
    /// Present if and only if <see cref="Type"/> is <see cref="AuthenticationType.Sas"/>. Of a registered identity they
    /// are decrypted when they are asked for the first time.
    /// </summary>
    /// <exception cref="IOException">What is stored does not decrypt.</exception>
    public SymmetricKeyPair? Keys
    {
        get => _keys ??= _protectedKeys?.Open();
        init => (_keys, _protectedKeys) = (value, null);
    }

    /// <summary>
    /// Hex SHA-1 or SHA-256 of the certificate; only for <see cref="AuthenticationType.SelfSigned"/>.
    /// </summary>
    public string? PrimaryThumbprint { get; init; }

    public string? SecondaryThumbprint { get; init; }

    public bool Equals(IdentityAuthentication? other) =>
        other is not null
        && Type == other.Type
        && PrimaryThumbprint == other.PrimaryThumbprint
        && SecondaryThumbprint == other.SecondaryThumbprint
        && Equals(Keys, other.Keys);

    public override int GetHashCode() => HashCode.Combine(Type, PrimaryThumbprint, SecondaryThumbprint);

    public override string ToString() => Type.ToString();

    /// <summary>The keys as they are to be stored for <paramref name="owner"/>; empty when there are none.</summary>
    internal ReadOnlyMemory<byte> Protect(IKeyProtector protector, KeyOwner owner)
    {
        if (_protectedKeys is { } kept && kept.Owner == owner)
            return kept.Ciphertext;
        return Keys is { } keys ? protector.Protect(keys, owner) : default;
    }
}

public enum DeviceStatus
{
    Enabled,
    Disabled,
}
