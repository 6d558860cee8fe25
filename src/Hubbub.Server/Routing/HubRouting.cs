using Hubbub.Core;
using Hubbub.Core.Routing;
using Hubbub.Server.Amqp;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Routing;

/// <summary>All of a hub's routing, opened before anything listens and closed after all has stopped.</summary>
internal sealed class HubRouting : IAsyncDisposable
{
    private HubRouting(
        RoutingRegistry registry, EndpointStreams streams, TelemetryRouter router, EventEntities entities) =>
        (Registry, Streams, Router, Entities) = (registry, streams, router, entities);

    /// <summary>The configuration and the way to change it.</summary>
    public RoutingRegistry Registry { get; }

    /// <summary>The custom endpoints in service.</summary>
    public EndpointStreams Streams { get; }

    /// <summary>What senders go by.</summary>
    public TelemetryRouter Router { get; }

    /// <summary>What can be read from.</summary>
    public EventEntities Entities { get; }

    /// <summary>Opens the stored configuration with all its streams.</summary>
    /// <returns>Routing, or why an endpoint cannot be opened.</returns>
    public static async Task<HubResult<HubRouting>> OpenAsync(
        EndpointStreamServices services,
        EventEntity builtIn,
        IRoutingStore store,
        RoutingOptions options,
        HubMetrics metrics,
        ILogger logger,
        CancellationToken cancellationToken)
    {
        var router = TelemetryRouter.To(builtIn.Log, metrics);
        var entities = new EventEntities(builtIn);
        var streams = new EndpointStreams(services, router, entities, logger);
        var registry = await RoutingRegistry.OpenAsync(store, streams, options, builtIn.Name, cancellationToken);
        if (registry.IsOk)
        {
            streams.RemoveLeftovers();
            metrics.Watch(() => streams.Statuses);
            return new HubRouting(registry.Value, streams, router, entities);
        }
        await streams.DisposeAsync();
        return registry.Error!;
    }

    public async ValueTask DisposeAsync()
    {
        Registry.Dispose();
        await Streams.DisposeAsync();
    }
}
