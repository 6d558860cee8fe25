using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>One authenticated request of the HTTPS service.</summary>
/// <param name="context">The request and its answer.</param>
/// <param name="route">Which operation it is.</param>
/// <param name="target">The path and query as they were sent.</param>
/// <param name="path">The path's segments, with the ids that are meant.</param>
/// <param name="claim">What the token permits; null for what needs none.</param>
/// <param name="authenticator">Says whether it still does; null for what needs none.</param>
internal sealed class ApiRequest(
    HttpContext context,
    ApiRoute route,
    RequestTarget target,
    IReadOnlyList<string> path,
    Claim? claim,
    Authenticator? authenticator = null)
{
    public HttpContext Context { get; } = context;

    public RequestTarget Target { get; } = target;

    /// <summary>What the token permits.</summary>
    public Claim Claim => claim!;

    public string Method => Context.Request.Method;

    public CancellationToken Aborted => Context.RequestAborted;

    public string DeviceId => this["deviceId"];

    public string ModuleId => this["moduleId"];

    /// <summary>The segment of the path that stands for a parameter of the route.</summary>
    public string this[string parameter] => path[Array.IndexOf(route.Segments, $"{{{parameter}}}")];

    /// <summary>The condition of the If-Match header; null when there is none.</summary>
    public IfMatch? Condition => Context.Request.Headers.IfMatch.ToString() is { Length: > 0 } header
        ? IfMatch.Parse(header)
        : null;

    /// <summary>A header that may be sent once; null when it is absent or empty.</summary>
    public string? Header(string name) =>
        Context.Request.Headers[name].ToString() is { Length: > 0 } value ? value : null;

    /// <summary>
    /// Null when the holder of the token has one of <paramref name="rights"/> here, else the refusal.
    /// </summary>
    public HubError? Require(params ReadOnlySpan<AccessRights> rights)
    {
        var resource = string.Join('/', path);
        foreach (var right in rights)
        {
            if (Claim.AllowsService(right, resource))
                return null;
        }
        return Refuse(rights[0]);
    }

    /// <summary>Null when the holder of the token may act as the device, else the refusal.</summary>
    /// <param name="endpoint">The part of the path below the device, such as <c>messages/events</c>.</param>
    public HubError? RequireDevice(string endpoint) =>
        Claim.AllowsDevice(DeviceId, null, endpoint) ? null : Refuse(AccessRights.DeviceConnect);

    /// <summary>Reads the body as JSON; an empty one is as good as an empty object.</summary>
    public async Task<HubResult<T>> ReadAsync<T>(JsonTypeInfo<T> type)
        where T : class, new()
    {
        var read = await ReadOptionalAsync(type);
        return read.IsOk ? read.Value.Body ?? new T() : read.Error!;
    }

    /// <summary>
    /// Reads the body as JSON, which must be there: for what replaces a whole resource, so that a request whose body
    /// got lost does not put defaults in its place.
    /// </summary>
    public async Task<HubResult<T>> ReadRequiredAsync<T>(JsonTypeInfo<T> type)
        where T : class
    {
        var read = await ReadOptionalAsync(type);
        if (!read.IsOk)
            return read.Error!;
        if (read.Value.Body is not { } body)
        {
            return new HubError(
                HubErrorCode.ArgumentNull, $"The body is missing: '/{Target.Path}' takes a JSON object.");
        }
        return body;
    }

    /// <summary>Reads the body as JSON; null when it is empty, or the word null.</summary>
    public async Task<HubResult<(T? Body, int Length)>> ReadOptionalAsync<T>(JsonTypeInfo<T> type)
        where T : class
    {
        var read = await ReadBytesAsync();
        if (!read.IsOk)
            return read.Error!;
        var bytes = read.Value;
        var text = bytes.Span;
        if (text.StartsWith("\uFEFF"u8))
            text = text[3..];
        if (text.Trim(" \t\r\n"u8).IsEmpty)
            return (null, 0);
        try
        {
            return (JsonSerializer.Deserialize(text, type), bytes.Length);
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

    /// <summary>Reads the whole body; it is bounded before it comes here.</summary>
    /// <returns>The body, or why the sender may not do this any more: a body can take its time.</returns>
    public async Task<HubResult<ReadOnlyMemory<byte>>> ReadBytesAsync()
    {
        using var body = new MemoryStream(
            (int)Math.Clamp(Context.Request.ContentLength ?? 0, 0, ApiLimits.BodyBytesMax));
        await Context.Request.Body.CopyToAsync(body, Aborted);
        if (claim is not null && authenticator?.WhyRevoked(claim) is { } revoked)
            return revoked with { Code = HubErrorCode.Unauthorized };
        return (ReadOnlyMemory<byte>)body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    /// <summary>Reads the body as JSON of any form.</summary>
    public async Task<HubResult<JsonElement>> ReadJsonAsync()
    {
        var bytes = await ReadBytesAsync();
        if (!bytes.IsOk)
            return bytes.Error!;
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = ApiLimits.JsonDepthMax };
            return JsonDocument.Parse(bytes.Value, options).RootElement.Clone();
        }
        catch (JsonException e)
        {
            return new HubError(
                HubErrorCode.ArgumentInvalid,
                $"The body is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine}.");
        }
    }

    /// <summary>Answers 200 with JSON that is written by hand.</summary>
    public Task WriteAsync(Action<Utf8JsonWriter> write) => WriteAsync(ApiJson.Text(write));

    /// <summary>Answers 200 with JSON.</summary>
    public Task WriteAsync(ReadOnlyMemory<byte> json) => ApiJson.WriteAsync(Context, json);

    /// <summary>Answers 200, or another status, with a JSON body.</summary>
    public Task WriteAsync<T>(
        T body, JsonTypeInfo<T> type, string? etag = null, int status = StatusCodes.Status200OK)
    {
        Context.Response.StatusCode = status;
        if (etag is not null)
            Context.Response.Headers.ETag = $"\"{etag}\"";
        return ApiJson.WriteAsync(Context, body, type);
    }

    public void NoContent() => Context.Response.StatusCode = StatusCodes.Status204NoContent;

    private HubError Refuse(AccessRights right)
    {
        var who = Claim.Kind == ClaimKind.Policy
            ? $"Authorization rule '{Claim.PolicyName}'"
            : $"Device '{Claim.DeviceId}'";
        // The path as it was sent: which reading of an id is registered is nobody's business here.
        return new HubError(
            HubErrorCode.UnauthorizedAccess, $"{who} does not allow access for '{right}' to '/{Target.Path}'.");
    }
}
