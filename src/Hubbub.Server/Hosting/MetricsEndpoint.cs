using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Hubbub.Server.Hosting;

/// <summary>
/// <c>GET /metrics</c> for Prometheus. Built at the first scrape, because it costs a tenth of the start-up time; no
/// total is lost by that, see <see cref="HubMetrics"/>.
/// </summary>
internal sealed class MetricsEndpoint(IServiceProvider services, bool isPublic) : IDisposable
{
    private readonly Lock _lock = new();
    private MeterProvider? _provider;
    private RequestDelegate? _scrape;

    public Task InvokeAsync(HttpContext context)
    {
        // Numbers of messages and devices are nobody's business unless the owner says so.
        if (!isPublic && context.Connection.RemoteIpAddress is { } address && !IsLoopback(address))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        return GetScrape()(context);
    }

    public void Dispose() => _provider?.Dispose();

    private RequestDelegate GetScrape()
    {
        lock (_lock)
        {
            if (_scrape is not null)
                return _scrape;
            _provider = Sdk.CreateMeterProviderBuilder()
                .ConfigureResource(resource => resource.AddService("hubbub", autoGenerateServiceInstanceId: false))
                .AddMeter(HubMetrics.MeterName, "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel")
                .AddPrometheusExporter()
                .Build();
            var app = new ApplicationBuilder(services);
            app.UseOpenTelemetryPrometheusScrapingEndpoint(
                _provider, predicate: _ => true, path: null, configureBranchedPipeline: null, optionsName: null);
            return _scrape = app.Build();
        }
    }

    private static bool IsLoopback(IPAddress address) =>
        IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
}
