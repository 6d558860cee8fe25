using Hubbub.Core.Security;

namespace Hubbub.Core.Identities;

/// <summary>An identity's keys as they are kept: encrypted until somebody asks.</summary>
internal sealed class ProtectedKeys(IKeyProtector protector, ReadOnlyMemory<byte> ciphertext, KeyOwner owner)
{
    public ReadOnlyMemory<byte> Ciphertext => ciphertext;

    public KeyOwner Owner => owner;

    public SymmetricKeyPair Open() => protector.Unprotect(ciphertext.Span, owner);

    public override string ToString() => "***";
}
