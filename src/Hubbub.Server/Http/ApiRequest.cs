using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>One authenticated request of the HTTPS service.</summary>
internal sealed class ApiRequest(HttpContext context, RequestTarget target, Claim claim)
{
    public HttpContext Context { get; } = context;

    public RequestTarget Target { get; } = target;

    public string Method => Context.Request.Method;

    public CancellationToken Aborted => Context.RequestAborted;

    /// <summary>The condition of the If-Match header; null when there is none.</summary>
    public IfMatch? Condition => Context.Request.Headers.IfMatch.ToString() is { Length: > 0 } header
        ? IfMatch.Parse(header)
        : null;

    /// <summary>Null when the holder of the token may do this here, else the refusal.</summary>
    public HubError? Require(AccessRights rights)
    {
        if (claim.AllowsService(rights, Target.Path))
            return null;
        var who = claim.Kind == ClaimKind.Policy
            ? $"Authorization rule '{claim.PolicyName}'"
            : $"The key of device '{claim.DeviceId}'";
        return new HubError(
            HubErrorCode.UnauthorizedAccess, $"{who} does not allow access for '{rights}' to '/{Target.Path}'.");
    }

    /// <summary>Reads the body; an empty one is as good as an empty object.</summary>
    public async Task<HubResult<T>> ReadAsync<T>(JsonTypeInfo<T> type)
        where T : class, new()
    {
        if (Context.Request.ContentLength == 0)
            return new T();
        try
        {
            return await JsonSerializer.DeserializeAsync(Context.Request.Body, type, Aborted) ?? new T();
        }
        catch (JsonException e)
        {
            // The parser's own text may quote the body, and so a key.
            return new HubError(
                HubErrorCode.ArgumentInvalid,
                $"The body is not the JSON that '/{Target.Path}' takes: at {e.Path ?? "$"}, line {e.LineNumber + 1}, "
                + $"byte {e.BytePositionInLine}.");
        }
    }

    public Task WriteAsync<T>(T body, JsonTypeInfo<T> type, string? etag = null)
    {
        Context.Response.StatusCode = StatusCodes.Status200OK;
        if (etag is not null)
            Context.Response.Headers.ETag = $"\"{etag}\"";
        return ApiJson.WriteAsync(Context, body, type);
    }

    public void NoContent() => Context.Response.StatusCode = StatusCodes.Status204NoContent;
}
