using System.Security.Cryptography;
using System.Text;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>Shared access signatures written from the documentation, independent of the product's own code.</summary>
internal static class SasToken
{
    /// <summary>A token for <paramref name="resource"/>, signed with a base64 key.</summary>
    public static string For(string resource, string key, string? policy = null, int seconds = 3600)
    {
        var encoded = Uri.EscapeDataString(resource);
        var expiry = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + seconds;
        var signed = Encoding.UTF8.GetBytes($"{encoded}\n{expiry}");
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(key), signed));
        var token = $"SharedAccessSignature sr={encoded}&sig={Uri.EscapeDataString(signature)}&se={expiry}";
        return policy is null ? token : $"{token}&skn={policy}";
    }
}
