using System.Security.Cryptography;
using System.Text;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>Shared access signatures written from the documentation, independent of the product's own code.</summary>
internal static class SasToken
{
    /// <summary>A token for <paramref name="resource"/>, signed with a base64 key, that ends in <paramref name="seconds"/>.</summary>
    public static string For(string resource, string key, string? policy = null, int seconds = 3600)
    {
        var encoded = Uri.EscapeDataString(resource);
        var expiry = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + seconds;
        var signature = HMACSHA256.HashData(Convert.FromBase64String(key), Encoding.UTF8.GetBytes($"{encoded}\n{expiry}"));
        var token = $"SharedAccessSignature sr={encoded}&sig={Uri.EscapeDataString(Convert.ToBase64String(signature))}&se={expiry}";
        return policy is null ? token : $"{token}&skn={policy}";
    }
}
