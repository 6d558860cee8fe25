using System.Security.Cryptography;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Http;

/// <summary>
/// The hub's HTTPS service: authenticates each request, finds its operation, and turns refusals into answers. Paths
/// that the service documents and this hub does not serve are answered 501, all others 404.
/// </summary>
public sealed class HubApi
{
    /// <summary>First segments of the paths that clients of the service use.</summary>
    private static readonly HashSet<string> DocumentedRoots = new(StringComparer.OrdinalIgnoreCase)
    {
        "devices", "twins", "statistics", "jobs", "configurations", "digitaltwins", "messages", "hubbub",
    };

    private readonly Authenticator _authenticator;
    private readonly RegistryApi _registry;
    private readonly ConsumerGroupApi _consumerGroups;
    private readonly CommandApi _commands;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public HubApi(
        Authenticator authenticator,
        IdentityRegistry registry,
        DevicePresence presence,
        ConsumerGroups consumerGroups,
        CommandQueues commands,
        TimeProvider time,
        ILogger logger)
    {
        (_authenticator, _time, _logger) = (authenticator, time, logger);
        _registry = new RegistryApi(registry, presence);
        _consumerGroups = new ConsumerGroupApi(consumerGroups);
        _commands = new CommandApi(commands);
    }

    /// <summary>Answers one request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bodySize)
            bodySize.MaxRequestBodySize = ApiLimits.BodyBytesMax;
        context.Response.Headers["x-ms-request-id"] = RandomNumberGenerator.GetHexString(32, lowercase: true);
        try
        {
            if (await AnswerAsync(context) is { } error)
                await RefuseAsync(context, error);
        }
        catch (BadHttpRequestException e)
        {
            var code = e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? HubErrorCode.RequestEntityTooLarge
                : HubErrorCode.ArgumentInvalid;
            await RefuseAsync(context, new HubError(code, $"The request cannot be read: {e.Message}"));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; nobody reads an answer.
        }
        catch (Exception e)
        {
            _logger.RequestFailed(e, context.Request.Method, PathOf(context));
            var error = new HubError(HubErrorCode.ServerError, "The hub failed; its log says why.");
            if (!context.Response.HasStarted)
                await HttpErrors.WriteAsync(context, error, _time);
        }
    }

    internal static Task<HubError?> MethodNotAllowed(ApiRequest request, string allowed)
    {
        request.Context.Response.Headers.Allow = allowed;
        return Task.FromResult<HubError?>(new(
            HubErrorCode.MethodNotAllowed, $"'/{request.Target.Path}' takes {allowed}, not {request.Method}."));
    }

    private async Task<HubError?> AnswerAsync(HttpContext context)
    {
        var rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!RequestTarget.TryParse(rawTarget, out var target))
            return Invalid("The path holds an empty or relative segment, or is too long.");
        if (target.Segments.Count == 0 || !DocumentedRoots.Contains(target.Segments[0]))
            return new HubError(HubErrorCode.EntityNotFound, $"There is nothing at '/{Shorten(target.Path)}'.");
        var authorization = context.Request.Headers.Authorization.ToString();
        if (authorization.Length == 0)
            return new HubError(HubErrorCode.UnauthorizedAccess, "Authorization header missing.");
        var claim = _authenticator.Verify(authorization);
        if (!claim.IsOk) // Whether a device exists is nobody's business who cannot prove to be it.
            return claim.Error! with { Code = HubErrorCode.Unauthorized };
        if (string.IsNullOrEmpty(target.Query("api-version")))
            return Invalid("The parameter api-version is missing, as in ?api-version=2021-04-12.");
        return await RouteAsync(new ApiRequest(context, target, claim.Value));
    }

    private Task<HubError?> RouteAsync(ApiRequest request)
    {
        var path = request.Target.Segments;
        return path.Count switch
        {
            1 when Is(path[0], "devices") && request.Method == "GET" => _registry.ListDevicesAsync(request),
            // The two words that are operations and not ids.
            2 when Is(path[0], "devices") && !(path[1] == "query" && request.Method == "POST") =>
                _registry.DeviceAsync(request, path[1]),
            3 when Is(path[0], "devices") && Is(path[2], "modules") && request.Method == "GET" =>
                _registry.ListModulesAsync(request, path[1]),
            3 when Is(path[0], "devices") && Is(path[2], "commands") => _commands.PurgeAsync(request, path[1], null),
            5 when Is(path[0], "devices") && Is(path[2], "modules") && Is(path[4], "commands") =>
                _commands.PurgeAsync(request, path[1], path[3]),
            4 when Is(path[0], "devices") && Is(path[2], "modules") => _registry.ModuleAsync(request, path[1], path[3]),
            2 when IsConsumerGroups(path) => request.Method == "GET"
                ? _consumerGroups.ListAsync(request)
                : MethodNotAllowed(request, "GET"),
            3 when IsConsumerGroups(path) => _consumerGroups.GroupAsync(request, path[2]),
            _ when Is(path[0], "hubbub") => Task.FromResult<HubError?>(
                new(HubErrorCode.EntityNotFound, $"There is nothing at '/{Shorten(request.Target.Path)}'.")),
            _ => Task.FromResult<HubError?>(new(
                HubErrorCode.NotImplemented,
                $"This hub does not serve {request.Method} '/{Shorten(request.Target.Path)}' yet.")),
        };
    }

    private Task RefuseAsync(HttpContext context, HubError error)
    {
        _logger.RequestRefused(
            context.Request.Method,
            PathOf(context),
            context.Connection.RemoteIpAddress?.ToString() ?? "",
            HttpErrors.StatusOf(error.Code),
            HttpErrors.NameOf(error.Code),
            error.Message);
        return context.Response.HasStarted ? Task.CompletedTask : HttpErrors.WriteAsync(context, error, _time);
    }

    private static HubError Invalid(string why) => new(HubErrorCode.ArgumentInvalid, why);

    private static bool IsConsumerGroups(IReadOnlyList<string> path) =>
        Is(path[0], "hubbub") && Is(path[1], "consumer-groups");

    private static bool Is(string segment, string word) => segment.Equals(word, StringComparison.OrdinalIgnoreCase);

    private static string PathOf(HttpContext context) => Shorten(context.Request.Path.Value ?? "");

    private static string Shorten(string text) => text.Length <= 256 ? text : text[..256] + "...";
}
