using System.Security.Cryptography;
using System.Text;
using Hubbub.Core.Security;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>Shared access signatures as clients make them.</summary>
internal static class Tokens
{
    public static string Sign(string resource, SymmetricKey key, DateTimeOffset expires, string? policy = null) =>
        Sign(resource, Convert.FromBase64String(key.Reveal()), expires, policy);

    /// <summary>As Event Hubs clients do: with the bytes of the key's text.</summary>
    public static string SignWithText(string resource, SymmetricKey key, DateTimeOffset expires, string policy) =>
        Sign(resource, Encoding.UTF8.GetBytes(key.Reveal()), expires, policy);

    private static string Sign(string resource, byte[] key, DateTimeOffset expires, string? policy)
    {
        var encoded = Uri.EscapeDataString(resource);
        var expiry = expires.ToUnixTimeSeconds();
        var signature = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{encoded}\n{expiry}"));
        return $"SharedAccessSignature sr={encoded}&sig={Uri.EscapeDataString(Convert.ToBase64String(signature))}&se={expiry}"
            + (policy is null ? "" : $"&skn={policy}");
    }
}
