using Hubbub.Core;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>
/// Who a request comes from: the holder of the token in its header or, where there is none, the device or module of
/// its path, if the client certificate of its connection proves that.
/// </summary>
internal static class RequestAuthentication
{
    /// <param name="context">The request.</param>
    /// <param name="path">The path's segments, with the ids that are meant.</param>
    /// <param name="authenticator">Verifies.</param>
    /// <returns>The claim, or UnauthorizedAccess or Unauthorized with the reason.</returns>
    public static HubResult<Claim> Verify(HttpContext context, IReadOnlyList<string> path, Authenticator authenticator)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        if (authorization.Length > 0)
            return Hide(authenticator.Verify(authorization));
        if (context.Features.Get<ClientCertificate>() is not { } certificate)
            return new HubError(HubErrorCode.UnauthorizedAccess, "Authorization header missing.");
        if (IdentityOf(path) is not { } identity)
        {
            return new HubError(
                HubErrorCode.UnauthorizedAccess,
                "Authorization header missing: a client certificate proves a device, at the device's own paths only.");
        }
        return Hide(authenticator.Verify(certificate, identity.DeviceId, identity.ModuleId));
    }

    /// <summary>Whom a client certificate would have to prove at a path, for counting failures.</summary>
    public static string? HolderOf(IReadOnlyList<string> path) =>
        IdentityOf(path) is { } identity ? Authenticator.HolderOf(identity.DeviceId, identity.ModuleId) : null;

    private static (string DeviceId, string? ModuleId)? IdentityOf(IReadOnlyList<string> path) =>
        path.Count < 3 || !Is(path[0], "devices")
            ? null
            : (path[1], path.Count >= 5 && Is(path[2], "modules") ? path[3] : null);

    /// <summary>Whether a device exists is nobody's business who cannot prove to be it.</summary>
    private static HubResult<Claim> Hide(HubResult<Claim> verified) =>
        verified.IsOk ? verified : verified.Error! with { Code = HubErrorCode.Unauthorized };

    private static bool Is(string segment, string word) => segment.Equals(word, StringComparison.OrdinalIgnoreCase);
}
