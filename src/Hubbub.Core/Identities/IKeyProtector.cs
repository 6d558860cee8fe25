using Hubbub.Core.Security;

namespace Hubbub.Core.Identities;

/// <summary>
/// Encrypts the keys of identities, for storage and for memory: they are in clear only while something is verified or
/// shown. Safe for concurrent use.
/// </summary>
public interface IKeyProtector
{
    /// <summary>Encrypts a pair of keys for one owner; for any other it will not decrypt.</summary>
    byte[] Protect(SymmetricKeyPair keys, KeyOwner owner);

    /// <summary>Decrypts what <see cref="Protect"/> gave for the same owner.</summary>
    /// <exception cref="IOException">The bytes were changed, moved, or made under another master key.</exception>
    SymmetricKeyPair Unprotect(ReadOnlySpan<byte> ciphertext, KeyOwner owner);
}

/// <summary>Whose keys they are.</summary>
/// <param name="ModuleId">Null for a device.</param>
/// <param name="GenerationId">Of the device, or of the module.</param>
public readonly record struct KeyOwner(string DeviceId, string? ModuleId, string GenerationId)
{
    public override string ToString() => ModuleId is null
        ? $"device '{DeviceId}' of generation {GenerationId}"
        : $"module '{ModuleId}' of device '{DeviceId}' of generation {GenerationId}";
}
