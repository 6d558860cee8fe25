using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace Hubbub.Core.Security;

/// <summary>
/// A shared access signature token, parsed but not verified:
/// <c>SharedAccessSignature sr={resource}&amp;sig={signature}&amp;se={expiry}[&amp;skn={policy}]</c>.
/// Fields come in any order and case; unknown ones are ignored. The view keeps the token's text and copies nothing.
/// </summary>
public readonly struct SharedAccessSignature
{
    private const string Scheme = "SharedAccessSignature";
    private const int SignatureTextLength = 44; // Base64 of 32 bytes.

    private readonly ReadOnlyMemory<char> _resource;
    private readonly ReadOnlyMemory<char> _expiry;
    private readonly ReadOnlyMemory<char> _policyName;
    private readonly Digest _signature;

    private SharedAccessSignature(
        in Fields fields, long expirySeconds, ReadOnlyMemory<char> policyName, Digest signature)
    {
        (_resource, _expiry, _policyName) = (fields.Resource!.Value, fields.Expiry!.Value, policyName);
        (_signature, ExpirySeconds) = (signature, expirySeconds);
    }

    /// <summary>The <c>sr</c> field exactly as sent: it is what was signed, so it is never re-encoded.</summary>
    public ReadOnlySpan<char> Resource => _resource.Span;

    /// <summary>The <c>se</c> field: seconds since 1970-01-01 UTC.</summary>
    public long ExpirySeconds { get; }

    /// <summary>The <c>skn</c> field, decoded; empty for the key of a device or module.</summary>
    public ReadOnlySpan<char> PolicyName => _policyName.Span;

    /// <summary>Parses a token.</summary>
    /// <returns>The token, or Unauthorized with the reason. The reason never quotes the signature.</returns>
    public static HubResult<SharedAccessSignature> Parse(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        if (token.Length > SecurityLimits.TokenLengthMax)
            return Malformed($"it has {token.Length} characters, at most {SecurityLimits.TokenLengthMax} are allowed");
        if (!token.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            || token.Length <= Scheme.Length || token[Scheme.Length] != ' ')
            return Malformed($"it does not start with '{Scheme} '");
        // Only visible ASCII: an id, a host name and base64 need nothing else, and what is signed is then unambiguous.
        if (token.AsSpan(Scheme.Length + 1).ContainsAnyExceptInRange('!', '~'))
            return Malformed("it holds a space, a control character or a character beyond ASCII");

        var fields = default(Fields);
        var rest = token.AsMemory(Scheme.Length + 1);
        foreach (var range in rest.Span.Split('&'))
        {
            if (fields.Take(rest[range]) is { } problem)
                return Malformed(problem);
        }
        return fields.ToToken();
    }

    /// <summary>
    /// True when the token was signed with <paramref name="key"/>. Takes the same time whatever the answer.
    /// </summary>
    internal bool IsSignedWith(ReadOnlySpan<byte> key)
    {
        Span<byte> text = stackalloc byte[SecurityLimits.TokenLengthMax];
        var length = Encoding.ASCII.GetBytes(_resource.Span, text);
        text[length++] = (byte)'\n';
        length += Encoding.ASCII.GetBytes(_expiry.Span, text[length..]);
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, text[..length], digest);
        return CryptographicOperations.FixedTimeEquals(digest, _signature);
    }

    private static HubError Malformed(string why) =>
        new(HubErrorCode.Unauthorized, $"The shared access signature is malformed: {why}.");

    private ref struct Fields
    {
        public ReadOnlyMemory<char>? Resource;
        public ReadOnlyMemory<char>? Expiry;
        private ReadOnlyMemory<char>? _signature;
        private ReadOnlyMemory<char>? _policyName;

        /// <summary>Takes one <c>name=value</c>; returns what is wrong with it, or null.</summary>
        public string? Take(ReadOnlyMemory<char> field)
        {
            var equals = field.Span.IndexOf('=');
            if (equals <= 0)
                return "a field is not of the form name=value";
            var name = field.Span[..equals];
            var value = field[(equals + 1)..];
            if (Is(name, "sr"))
                return Set(ref Resource, value, "sr");
            if (Is(name, "sig"))
                return Set(ref _signature, value, "sig");
            if (Is(name, "se"))
                return Set(ref Expiry, value, "se");
            return Is(name, "skn") ? Set(ref _policyName, value, "skn") : null;
        }

        public readonly HubResult<SharedAccessSignature> ToToken()
        {
            if (Resource is not { IsEmpty: false })
                return Malformed("the field sr is missing or empty");
            if (_signature is not { IsEmpty: false } signatureText)
                return Malformed("the field sig is missing or empty");
            if (Expiry is not { IsEmpty: false } expiryText)
                return Malformed("the field se is missing or empty");
            if (!TryParseExpiry(expiryText.Span, out var expirySeconds))
                return Malformed("the field se is not a whole number of seconds since 1970");
            if (!TryDecodeSignature(signatureText.Span, out var signature))
                return Malformed("the field sig is not the base64 text of 32 bytes");
            // An empty skn means the same as none: a C device client sends it so.
            return new SharedAccessSignature(this, expirySeconds, DecodeName(_policyName ?? default), signature);
        }

        private static bool Is(ReadOnlySpan<char> name, string expected) =>
            name.Equals(expected, StringComparison.OrdinalIgnoreCase);

        private static string? Set(ref ReadOnlyMemory<char>? slot, ReadOnlyMemory<char> value, string name)
        {
            if (slot is not null)
                return $"the field {name} occurs twice";
            slot = value;
            return null;
        }
    }

    private static bool TryParseExpiry(ReadOnlySpan<char> text, out long seconds)
    {
        // Some hand-written clients send the fraction of their clock; the service reads a number and so accepts it.
        var point = text.IndexOf('.');
        if (point >= 0)
        {
            if (point == text.Length - 1 || text[(point + 1)..].ContainsAnyExceptInRange('0', '9'))
            {
                seconds = 0;
                return false;
            }
            text = text[..point];
        }
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds)
            && seconds <= SecurityLimits.ExpirySecondsMax;
    }

    private static bool TryDecodeSignature(ReadOnlySpan<char> text, out Digest digest)
    {
        digest = default;
        // Longest spelling: each of the 44 characters percent-encoded.
        Span<char> unescaped = stackalloc char[3 * SignatureTextLength];
        if (text.Length > unescaped.Length
            || !PercentEncoding.TryDecode(text, unescaped, out var length) || length != SignatureTextLength)
            return false;
        Span<byte> ascii = stackalloc byte[SignatureTextLength];
        Encoding.ASCII.GetBytes(unescaped[..length], ascii);
        // The decoder wants the unused bits of the last character to be zero, so one signature has one text.
        Span<byte> decoded = stackalloc byte[SignatureTextLength];
        if (Base64.DecodeFromUtf8(ascii, decoded, out _, out var written) != OperationStatus.Done
            || written != HMACSHA256.HashSizeInBytes)
            return false;
        decoded[..written].CopyTo(digest);
        return true;
    }

    private static ReadOnlyMemory<char> DecodeName(ReadOnlyMemory<char> name)
    {
        if (!name.Span.Contains('%'))
            return name;
        var decoded = new char[name.Length];
        // An undecodable name stays as it is: no policy has it.
        return PercentEncoding.TryDecode(name.Span, decoded, out var length) ? decoded.AsMemory(0, length) : name;
    }

    [InlineArray(HMACSHA256.HashSizeInBytes)]
    private struct Digest
    {
        private byte _first;
    }
}
