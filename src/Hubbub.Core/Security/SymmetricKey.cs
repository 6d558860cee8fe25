using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Hubbub.Core.Security;

/// <summary>
/// One symmetric key: the base64 text that people copy, and the bytes that sign. Nothing but
/// <see cref="Reveal"/> gives the text away; logs and error texts get <c>***</c>.
/// </summary>
public sealed class SymmetricKey : IEquatable<SymmetricKey>
{
    private readonly string _text;
    private readonly byte[] _bytes;
    private byte[]? _textBytes;

    private SymmetricKey(string text, byte[] bytes) => (_text, _bytes) = (text, bytes);

    /// <summary>The decoded key: what device and service clients sign with.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The UTF-8 bytes of the key's text: what Event Hubs clients sign with.</summary>
    internal ReadOnlySpan<byte> TextBytes => _textBytes ??= Encoding.UTF8.GetBytes(_text);

    /// <summary>A fresh random key of 32 bytes.</summary>
    public static SymmetricKey Generate()
    {
        var bytes = RandomNumberGenerator.GetBytes(SecurityLimits.GeneratedKeyBytes);
        return new SymmetricKey(Convert.ToBase64String(bytes), bytes);
    }

    /// <summary>Reads a key from base64 text that decodes to 16 to 64 bytes; the text is kept as it is.</summary>
    public static bool TryParse(string? base64, [NotNullWhen(true)] out SymmetricKey? key)
    {
        key = null;
        if (base64 is null || base64.Length > SecurityLimits.KeyTextLengthMax)
            return false;
        Span<byte> bytes = stackalloc byte[SecurityLimits.KeyTextLengthMax];
        if (!Convert.TryFromBase64String(base64, bytes, out var written)
            || written is < SecurityLimits.KeyBytesMin or > SecurityLimits.KeyBytesMax)
            return false;
        key = new SymmetricKey(base64, bytes[..written].ToArray());
        return true;
    }

    /// <summary>The key's base64 text, for the owner's eyes and for encrypted storage only.</summary>
    public string Reveal() => _text;

    /// <summary>Compares in fixed time, so that it may stand on a path that an attacker can measure.</summary>
    public bool Equals(SymmetricKey? other) =>
        other is not null && CryptographicOperations.FixedTimeEquals(_bytes, other._bytes);

    public override bool Equals(object? obj) => Equals(obj as SymmetricKey);

    public override int GetHashCode() => BitConverter.ToInt32(SHA256.HashData(_bytes));

    public override string ToString() => "***";
}

/// <summary>
/// A primary and a secondary key. Both are valid at all times, so that one can be replaced after the other.
/// </summary>
public sealed record SymmetricKeyPair(SymmetricKey Primary, SymmetricKey Secondary)
{
    /// <summary>Two fresh random keys.</summary>
    public static SymmetricKeyPair Generate() => new(SymmetricKey.Generate(), SymmetricKey.Generate());

    /// <summary>True when <paramref name="key"/> is one of the two.</summary>
    public bool Contains(SymmetricKey key) => Primary.Equals(key) | Secondary.Equals(key);
}
