using System.Security.Cryptography;
using System.Text;
using Hubbub.Core.Security;

namespace Hubbub.Storage.State;

/// <summary>
/// Encrypts pairs of keys for storage: version 1, nonce of 12 bytes, AES-256-GCM ciphertext, tag of 16 bytes. The
/// record's own identity is authenticated with it, so a ciphertext that was moved to another record does not decrypt.
/// Not safe for concurrent use.
/// </summary>
internal sealed class KeyCipher(byte[] masterKey) : IDisposable
{
    private const byte Version = 1;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int Overhead = 1 + NonceLength + TagLength;

    private readonly AesGcm _aes = new(masterKey, TagLength);

    /// <param name="record">What the keys belong to: kind, id and generation.</param>
    public byte[] Encrypt(SymmetricKeyPair keys, string record) =>
        EncryptText($"{keys.Primary.Reveal()}\n{keys.Secondary.Reveal()}", record);

    /// <exception cref="StateStoreException">
    /// The ciphertext was changed, moved, or made under another master key.
    /// </exception>
    public SymmetricKeyPair Decrypt(byte[] stored, string record)
    {
        var text = DecryptText(stored, record);
        var separator = text.IndexOf('\n', StringComparison.Ordinal);
        return separator > 0
            && SymmetricKey.TryParse(text[..separator], out var primary)
            && SymmetricKey.TryParse(text[(separator + 1)..], out var secondary)
            ? new SymmetricKeyPair(primary, secondary)
            : throw new StateStoreException($"The stored keys of {record} are not a pair of keys.");
    }

    public byte[] EncryptText(string text, string record)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var stored = new byte[plain.Length + Overhead];
        stored[0] = Version;
        var nonce = stored.AsSpan(1, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        _aes.Encrypt(
            nonce,
            plain,
            stored.AsSpan(1 + NonceLength, plain.Length),
            stored.AsSpan(stored.Length - TagLength),
            Encoding.UTF8.GetBytes(record));
        return stored;
    }

    public string DecryptText(byte[] stored, string record)
    {
        if (stored.Length < Overhead || stored[0] != Version)
            throw new StateStoreException($"The stored keys of {record} have an unknown form.");
        var plain = new byte[stored.Length - Overhead];
        try
        {
            _aes.Decrypt(
                stored.AsSpan(1, NonceLength),
                stored.AsSpan(1 + NonceLength, plain.Length),
                stored.AsSpan(stored.Length - TagLength),
                plain,
                Encoding.UTF8.GetBytes(record));
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new StateStoreException(
                $"The stored keys of {record} were changed, moved, or made under another master key.", e);
        }
        return Encoding.UTF8.GetString(plain);
    }

    public void Dispose() => _aes.Dispose();
}
