using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hubbub.Core.Security;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>
/// The signature of a webhook request as the Standard Webhooks specification has it: HMAC-SHA256 over
/// <c>{id}.{timestamp}.{body}</c>, base64, with the scheme's version in front.
/// </summary>
public static class WebhookSignature
{
    /// <summary>The header's value: <c>v1,{base64}</c>.</summary>
    /// <param name="secret">The endpoint's secret.</param>
    /// <param name="id">The batch.</param>
    /// <param name="unixTimeSeconds">When the request is made.</param>
    /// <param name="body">The request's body, byte for byte.</param>
    public static string Compute(SymmetricKey secret, string id, long unixTimeSeconds, ReadOnlySpan<byte> body)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Convert.FromBase64String(secret.Reveal()));
        mac.AppendData(Encoding.UTF8.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{id}.{unixTimeSeconds}.")));
        mac.AppendData(body);
        return "v1," + Convert.ToBase64String(mac.GetHashAndReset());
    }
}
