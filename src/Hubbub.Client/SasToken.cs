using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hubbub.Client;

/// <summary>A shared access signature: proof of a key without the key, for one resource, until a time.</summary>
/// <remarks>
/// <c>SharedAccessSignature sr={resource}&amp;sig={HMAC-SHA256 of sr LF se}&amp;se={seconds since
/// 1970}[&amp;skn={policy}]</c>.
/// IoT hubs sign with the decoded key, Event Hubs with the bytes of the key's text.
/// </remarks>
public sealed class SasToken
{
    private const string Scheme = "SharedAccessSignature ";

    private SasToken(string value, string resource, DateTimeOffset expiresAt) =>
        (Value, Resource, ExpiresAt) = (value, resource, expiresAt);

    /// <summary>The token as it is sent. Secret until it expires.</summary>
    public string Value { get; }

    /// <summary>What it opens, decoded.</summary>
    public string Resource { get; }

    /// <summary>When it expires, in whole seconds.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>A token for an IoT hub, one of its devices or modules.</summary>
    /// <param name="resource">Such as <c>hub.example/devices/d</c>.</param>
    /// <param name="key">The key, base64.</param>
    /// <param name="policyName">The policy whose key it is; null for a device's or module's own.</param>
    /// <param name="expiresAt">Until when it holds.</param>
    /// <exception cref="FormatException">The key is not base64.</exception>
    public static SasToken ForIotHub(string resource, string key, string? policyName, DateTimeOffset expiresAt) =>
        Create(resource, Convert.FromBase64String(key), policyName, expiresAt);

    /// <summary>A token for an event hub.</summary>
    /// <param name="resource">Such as <c>sb://host/event-hub</c>.</param>
    /// <param name="keyText">The key, whose text is signed with as it is.</param>
    /// <param name="policyName">The policy whose key it is.</param>
    /// <param name="expiresAt">Until when it holds.</param>
    public static SasToken ForEventHubs(string resource, string keyText, string policyName, DateTimeOffset expiresAt) =>
        Create(resource, Encoding.UTF8.GetBytes(keyText), policyName, expiresAt);

    /// <summary>Takes a ready-made token apart; nothing is verified, for that needs the key.</summary>
    public static bool TryParse(string? value, [NotNullWhen(true)] out SasToken? token)
    {
        token = null;
        if (value is null || !value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return false;
        string? resource = null, signature = null, expiry = null;
        foreach (var field in value[Scheme.Length..].Split('&'))
        {
            var equals = field.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                return false;
            var content = field[(equals + 1)..];
            switch (field[..equals].ToUpperInvariant())
            {
                case "SR":
                    resource = content;
                    break;
                case "SIG":
                    signature = content;
                    break;
                case "SE":
                    expiry = content;
                    break;
            }
        }
        if (resource is null || signature is null
            || !long.TryParse(expiry, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
            return false;
        token = new SasToken(value, Uri.UnescapeDataString(resource), DateTimeOffset.FromUnixTimeSeconds(seconds));
        return true;
    }

    /// <summary>The parts that are no secret.</summary>
    public override string ToString() => $"{Resource} until {ExpiresAt:O}";

    private static SasToken Create(string resource, byte[] key, string? policyName, DateTimeOffset expiresAt)
    {
        var encoded = Uri.EscapeDataString(resource);
        var seconds = expiresAt.ToUnixTimeSeconds();
        var expiry = seconds.ToString(CultureInfo.InvariantCulture);
        var signature = Convert.ToBase64String(
            HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{encoded}\n{expiry}")));
        CryptographicOperations.ZeroMemory(key);
        var value = $"{Scheme}sr={encoded}&sig={Uri.EscapeDataString(signature)}&se={expiry}";
        if (!string.IsNullOrEmpty(policyName))
            value += $"&skn={Uri.EscapeDataString(policyName)}";
        return new SasToken(value, resource, DateTimeOffset.FromUnixTimeSeconds(seconds));
    }
}
