using System.Security.Cryptography;
using Hubbub.Core;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hubbub.Server.Http;

/// <summary>
/// The hub's HTTPS service: authenticates each request, finds its operation, and turns refusals into answers. What the
/// service documents and this hub does not serve is answered 501, unknown paths 404.
/// </summary>
public sealed class HubApi
{
    private readonly ApiServices _services;
    private int _waiting;

    public HubApi(ApiServices services)
    {
        _services = services;
        var registry = services.Registry;
        var openApi = new OpenApi();
        var views = new IdentityViews(services.Presence, services.Commands);
        Routes = new ApiRoutes(
        [
            .. new RegistryApi(registry, views).Routes,
            .. new BulkApi(registry).Routes,
            .. new KeysApi(registry).Routes,
            .. new QueryApi(registry, views, Scans).Routes,
            .. new StatisticsApi(registry, services.Presence).Routes,
            .. new CommandApi(services.Commands, services.Hub, registry).Routes,
            .. new DeviceMessagesApi(services).Routes,
            .. ConsumerGroupApi.OfEvents(services.ConsumerGroups).Routes,
            .. new PolicyApi(services.Policies).Routes,
            .. new CertificateApi(services.Authorities).Routes,
            .. new TransferApi(services.Registry).Routes,
            openApi.Route,
            .. services.Routing is { } routing ? new RoutingApi(routing, services.Time).Routes : [],
            .. UnbuiltRoutes.All,
        ]);
        openApi.Describe(Routes);
    }

    /// <summary>Every operation.</summary>
    internal ApiRoutes Routes { get; }

    /// <summary>Who may go through all identities.</summary>
    internal ScanGate Scans { get; } = new(ApiLimits.ScansMax, ApiLimits.ScansWaitingMax);

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
            _services.Logger.RequestFailed(e, context.Request.Method, PathOf(context));
            var error = new HubError(HubErrorCode.ServerError, "The hub failed; its log says why.");
            if (!context.Response.HasStarted)
                await HttpErrors.WriteAsync(context, error, _services.Time);
        }
    }

    private async Task<HubError?> AnswerAsync(HttpContext context)
    {
        var rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!RequestTarget.TryParse(rawTarget, out var target))
            return Invalid("The path holds an empty or relative segment, or is too long.");
        var path = target.Segments;
        if (path.Count == 0 || !Routes.IsRoot(path[0]))
            return NotFound(target);
        var route = Routes.Find(context.Request.Method, path, out var allowed);
        if (route is { IsPublic: true, Serve: { } servePublic })
            return await servePublic(new ApiRequest(context, route, target, path, null));
        var isCreation = context.Request.Method == "PUT" && context.Request.Headers.IfMatch.ToString().Length == 0;
        var isExact = route is null || context.Request.Headers.ContainsKey(IdentityPath.ExactHeader);
        var meant = isExact ? path : IdentityPath.Resolve(route!, target, _services.Registry, isCreation);
        var claim = RequestAuthentication.Verify(context, meant, _services.Authenticator);
        if (!claim.IsOk)
        {
            await SlowDownAsync(context, meant);
            return claim.Error!;
        }
        if (string.IsNullOrEmpty(target.Query("api-version")))
            return Invalid("The parameter api-version is missing, as in ?api-version=2021-04-12.");
        if (route is null)
            return allowed.Length == 0 ? NotFound(target) : MethodNotAllowed(context, target, allowed);
        if (route.Serve is not { } serve)
        {
            return new HubError(
                HubErrorCode.NotImplemented,
                $"This hub does not serve {route.Method} '/{Shorten(target.Path)}' yet.");
        }
        return await serve(new ApiRequest(context, route, target, meant, claim.Value, _services.Authenticator));
    }

    /// <summary>Has the refusal of a guessed credential wait, where there were many.</summary>
    private async Task SlowDownAsync(HttpContext context, IReadOnlyList<string> path)
    {
        var token = context.Request.Headers.Authorization.ToString();
        if (token.Length == 0 && context.Features.Get<ClientCertificate>() is null)
            return;
        _services.Metrics.RequestUnauthenticated();
        var address = context.Connection.RemoteIpAddress;
        var holder = token.Length == 0
            ? RequestAuthentication.HolderOf(path)
            : _services.Authenticator.HolderOf(token);
        var slowdown = _services.Failures.Record(address, holder);
        if (slowdown.Delay <= TimeSpan.Zero)
            return;
        try
        {
            var delay = Task.CompletedTask;
            if (Interlocked.Increment(ref _waiting) <= FailureLimits.RequestsWaitingMax)
                delay = Task.Delay(slowdown.Delay, _services.Time, context.RequestAborted);
            else
                context.Response.Headers.Connection = "close";
            if (slowdown.HasBegun)
                _services.Logger.AuthenticationsSlowed($"{address}", Shorten(holder ?? "nobody"));
            await delay;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private Task RefuseAsync(HttpContext context, HubError error)
    {
        _services.Logger.RequestRefused(
            context.Request.Method,
            PathOf(context),
            context.Connection.RemoteIpAddress?.ToString() ?? "",
            HttpErrors.StatusOf(error.Code),
            HttpErrors.NameOf(error.Code),
            Secrets.Hide(error.Message));
        return context.Response.HasStarted
            ? Task.CompletedTask
            : HttpErrors.WriteAsync(context, error, _services.Time);
    }

    private HubError MethodNotAllowed(HttpContext context, RequestTarget target, string allowed)
    {
        var method = context.Request.Method;
        var path = $"'/{Shorten(target.Path)}'";
        context.Response.Headers.Allow = allowed;
        // An empty id leaves no trace in the path but a slash.
        var isIdMissing = Routes.Find(method, [.. target.Segments, "id"], out _) is { } longer
            && ApiRoute.IsParameter(longer.Segments[^1]);
        return new HubError(
            HubErrorCode.MethodNotAllowed,
            $"{path} takes {allowed}, not "
            + $"{method}{(isIdMissing ? ", which takes an id behind it: it is missing or empty" : "")}.");
    }

    private static HubError NotFound(RequestTarget target) =>
        new(HubErrorCode.EntityNotFound, $"There is nothing at '/{Shorten(target.Path)}'.");

    private static HubError Invalid(string why) => new(HubErrorCode.ArgumentInvalid, why);

    private static string PathOf(HttpContext context) => Shorten(context.Request.Path.Value ?? "");

    private static string Shorten(string text)
    {
        text = Secrets.Hide(text);
        return text.Length <= 256 ? text : text[..256] + "...";
    }
}
