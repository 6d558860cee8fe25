using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>
/// Hubbub's own administration of the certificate authorities that sign devices' certificates (docs/wire/admin.md);
/// Azure does this in its portal.
/// </summary>
internal sealed class CertificateApi(CertificateAuthorities authorities)
{
    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/hubbub/certificates", "Lists the CA certificates that prove devices, oldest first.", ListAsync)
        {
            Gives = "CertificateAuthority[]",
        },
        new("GET", "/hubbub/certificates/{name}", "Shows a CA certificate.", GetAsync)
        {
            Gives = "CertificateAuthority",
        },
        new("PUT", "/hubbub/certificates/{name}", "Adds a CA certificate, or leaves it as it is.", PutAsync)
        {
            Takes = "CertificateAuthorityDescription", Gives = "CertificateAuthority",
        },
        new("DELETE", "/hubbub/certificates/{name}", "Removes a CA certificate and what it proved.", DeleteAsync),
    ];

    private async Task<HubError?> ListAsync(ApiRequest request)
    {
        if (request.Require(Administration.Required) is { } refusal)
            return refusal;
        CertificateBody[] bodies = [.. authorities.All.Select(CertificateBody.Of)];
        await request.WriteAsync(bodies, ApiJson.Default.CertificateBodyArray);
        return null;
    }

    private Task<HubError?> GetAsync(ApiRequest request) =>
        AnswerAsync(request, () => new(authorities.Get(request["name"])));

    private Task<HubError?> PutAsync(ApiRequest request) =>
        AnswerAsync(request, async () => await AddAsync(request, request["name"]));

    private Task<HubError?> DeleteAsync(ApiRequest request) =>
        Administration.RemoveAsync(request, () => authorities.RemoveAsync(request["name"], request.Aborted));

    private static Task<HubError?> AnswerAsync(
        ApiRequest request, Func<ValueTask<HubResult<CertificateAuthority>>> operation) =>
        Administration.AnswerAsync(request, operation, CertificateBody.Of, ApiJson.Default.CertificateBody);

    private async Task<HubResult<CertificateAuthority>> AddAsync(ApiRequest request, string name)
    {
        var body = await request.ReadAsync(ApiJson.Default.CertificateRequestBody);
        if (!body.IsOk)
            return body.Error!;
        return Decode(body.Value.Certificate) is { } der
            ? await authorities.AddAsync(name, der, request.Aborted)
            : new HubError(
                HubErrorCode.ArgumentInvalid,
                $"The CA certificate '{name}' is not accepted: the member certificate must hold one "
                + "certificate, as PEM or as "
                + "base64 of DER.");
    }

    private static byte[]? Decode(string? text)
    {
        if (text is null)
            return null;
        try
        {
            return PemEncoding.TryFind(text, out var fields)
                ? text[fields.Label] == "CERTIFICATE" ? Convert.FromBase64String(text[fields.Base64Data]) : null
                : Convert.FromBase64String(text);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

/// <summary>A CA certificate that is to be added.</summary>
internal sealed class CertificateRequestBody
{
    [JsonPropertyName("certificate")]
    public string? Certificate { get; init; }
}

/// <summary>A CA certificate as Hubbub shows it.</summary>
internal sealed record CertificateBody(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("subject")] string Subject,
    [property: JsonPropertyName("thumbprint")] string Thumbprint,
    [property: JsonPropertyName("notBefore")] string NotBefore,
    [property: JsonPropertyName("notAfter")] string NotAfter,
    [property: JsonPropertyName("createdAt")] string CreatedAt,
    [property: JsonPropertyName("certificate")] string Certificate)
{
    public static CertificateBody Of(CertificateAuthority authority) => new(
        authority.Name,
        authority.Subject,
        authority.Thumbprint,
        IdentityText.Time(authority.NotBefore),
        IdentityText.Time(authority.NotAfter),
        IdentityText.Time(authority.CreatedAt),
        PemEncoding.WriteString("CERTIFICATE", authority.Certificate));
}
