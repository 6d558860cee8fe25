using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Hosting;

/// <summary>Which part of the hub answers a request of the HTTPS listener.</summary>
internal sealed class HttpPipeline(
    AmqpWebSocket webSocket, HealthEndpoint health, MetricsEndpoint metrics, RequestDelegate rest)
{
    public Task InvokeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (AmqpWebSocket.IsPath(path))
            return webSocket.InvokeAsync(context);
        if (path == "/healthz" && HttpMethods.IsGet(context.Request.Method))
            return health.InvokeAsync(context);
        if (path == "/metrics" && HttpMethods.IsGet(context.Request.Method))
            return metrics.InvokeAsync(context);
        return rest(context);
    }
}
