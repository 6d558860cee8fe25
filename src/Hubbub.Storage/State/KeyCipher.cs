using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Storage.State;

/// <summary>
/// Encrypts pairs of keys for storage: version 1, nonce of 12 bytes, AES-256-GCM ciphertext, tag of 16 bytes. The
/// record's own identity is authenticated with it, so a ciphertext that was moved to another record does not decrypt.
/// Safe for concurrent use.
/// </summary>
internal sealed class KeyCipher(byte[] masterKey) : IKeyProtector, IDisposable
{
    private const byte Version = 1;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int Overhead = 1 + NonceLength + TagLength;
    private const int PlainLengthMax = (2 * SecurityLimits.KeyTextLengthMax) + 1;
    private const int RecordLengthMax = 1024; // Two ids, a generation and words; each is at most 128 characters.

    // One is not safe for concurrent use; there are as many as were ever in use at once.
    private readonly ConcurrentQueue<AesGcm> _ciphers = new();

    /// <inheritdoc/>
    public byte[] Protect(SymmetricKeyPair keys, KeyOwner owner) => Encrypt(keys, owner.ToString());

    /// <inheritdoc/>
    public SymmetricKeyPair Unprotect(ReadOnlySpan<byte> ciphertext, KeyOwner owner)
    {
        Span<byte> record = stackalloc byte[RecordLengthMax];
        if (!TryWrite(owner, record, out var length) || ciphertext.Length > PlainLengthMax + Overhead)
            return Decrypt(ciphertext.ToArray(), owner.ToString());
        if (ciphertext.Length < Overhead || ciphertext[0] != Version)
            throw UnknownForm(owner.ToString());
        Span<byte> plain = stackalloc byte[ciphertext.Length - Overhead];
        try
        {
            Open(ciphertext, plain, record[..length]);
            return ToPair(plain) ?? throw NoPair(owner.ToString());
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw WrongKey(owner.ToString(), e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <param name="record">What the keys belong to: kind, id and generation.</param>
    public byte[] Encrypt(SymmetricKeyPair keys, string record) =>
        EncryptText($"{keys.Primary.Reveal()}\n{keys.Secondary.Reveal()}", record);

    /// <exception cref="StateStoreException">
    /// The ciphertext was changed, moved, or made under another master key.
    /// </exception>
    public SymmetricKeyPair Decrypt(byte[] stored, string record) =>
        ToPair(Encoding.UTF8.GetBytes(DecryptText(stored, record))) ?? throw NoPair(record);

    public byte[] EncryptText(string text, string record)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var stored = new byte[plain.Length + Overhead];
        stored[0] = Version;
        var nonce = stored.AsSpan(1, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        var cipher = Rent();
        cipher.Encrypt(
            nonce,
            plain,
            stored.AsSpan(1 + NonceLength, plain.Length),
            stored.AsSpan(stored.Length - TagLength),
            Encoding.UTF8.GetBytes(record));
        _ciphers.Enqueue(cipher);
        CryptographicOperations.ZeroMemory(plain);
        return stored;
    }

    public string DecryptText(byte[] stored, string record)
    {
        if (stored.Length < Overhead || stored[0] != Version)
            throw UnknownForm(record);
        var plain = new byte[stored.Length - Overhead];
        try
        {
            Open(stored, plain, Encoding.UTF8.GetBytes(record));
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw WrongKey(record, e);
        }
        return Encoding.UTF8.GetString(plain);
    }

    public void Dispose()
    {
        while (_ciphers.TryDequeue(out var cipher))
            cipher.Dispose();
    }

    private AesGcm Rent() => _ciphers.TryDequeue(out var cipher) ? cipher : new AesGcm(masterKey, TagLength);

    private void Open(ReadOnlySpan<byte> stored, Span<byte> plain, ReadOnlySpan<byte> record)
    {
        var cipher = Rent();
        try
        {
            cipher.Decrypt(
                stored.Slice(1, NonceLength),
                stored.Slice(1 + NonceLength, plain.Length),
                stored[^TagLength..],
                plain,
                record);
        }
        finally
        {
            _ciphers.Enqueue(cipher);
        }
    }

    /// <summary>As <see cref="KeyOwner.ToString"/>, without the string.</summary>
    private static bool TryWrite(KeyOwner owner, Span<byte> to, out int length) => owner.ModuleId is null
        ? Utf8.TryWrite(to, $"device '{owner.DeviceId}' of generation {owner.GenerationId}", out length)
        : Utf8.TryWrite(
            to,
            $"module '{owner.ModuleId}' of device '{owner.DeviceId}' of generation {owner.GenerationId}",
            out length);

    private static SymmetricKeyPair? ToPair(ReadOnlySpan<byte> text)
    {
        var separator = text.IndexOf((byte)'\n');
        return separator > 0
            && SymmetricKey.TryParse(Encoding.UTF8.GetString(text[..separator]), out var primary)
            && SymmetricKey.TryParse(Encoding.UTF8.GetString(text[(separator + 1)..]), out var secondary)
            ? new SymmetricKeyPair(primary, secondary)
            : null;
    }

    private static StateStoreException UnknownForm(string record) =>
        new($"The stored keys of {record} have an unknown form.");

    private static StateStoreException NoPair(string record) =>
        new($"The stored keys of {record} are not a pair of keys.");

    private static StateStoreException WrongKey(string record, Exception cause) =>
        new($"The stored keys of {record} were changed, moved, or made under another master key.", cause);
}
