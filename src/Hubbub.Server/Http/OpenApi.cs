using Hubbub.Core;

namespace Hubbub.Server.Http;

/// <summary>Shows the description of the service to whoever asks: it tells nothing of this hub.</summary>
internal sealed class OpenApi
{
    private byte[] _document = [];

    public ApiRoute Route => new(
        "GET", "/hubbub/openapi.json", "Describes these operations.", ShowAsync)
    { IsPublic = true, Gives = ApiRoute.Bytes };

    /// <summary>Writes the document, once all operations are known.</summary>
    public void Describe(ApiRoutes routes) => _document = OpenApiDocument.Write(routes.All);

    private async Task<HubError?> ShowAsync(ApiRequest request)
    {
        await ApiJson.WriteAsync(request.Context, _document);
        return null;
    }
}
