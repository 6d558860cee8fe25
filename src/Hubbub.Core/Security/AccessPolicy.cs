namespace Hubbub.Core.Security;

/// <summary>A named pair of keys with rights on the whole hub.</summary>
public sealed record AccessPolicy(string Name, AccessRights Rights, SymmetricKeyPair Keys)
{
    public bool Allows(AccessRights rights) => (Rights & rights) == rights;
}
