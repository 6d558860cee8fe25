using System.Collections.Immutable;
using Hubbub.Core;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Server.Amqp;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Routing;

/// <summary>The custom endpoints in service, as the configuration in force wants them.</summary>
internal sealed class EndpointStreams(
    EndpointStreamServices services, TelemetryRouter router, EventEntities entities, ILogger logger)
    : IRoutingTargets, IAsyncDisposable
{
    private ImmutableDictionary<string, EndpointStream> _open = ImmutableDictionary<string, EndpointStream>.Empty;

    /// <summary>How the deliveries of each endpoint with a sink go.</summary>
    public IEnumerable<EndpointStatus> Statuses =>
        Volatile.Read(ref _open).Values.Select(static stream => stream.Status).OfType<EndpointStatus>();

    /// <summary>The custom endpoint of a name, ignoring case; null when there is none.</summary>
    public EndpointStream? Find(string name) => Volatile.Read(ref _open).Values.FirstOrDefault(
        stream => stream.Endpoint.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public async ValueTask<HubError?> OpenAsync(RouteTable table, CancellationToken cancellationToken)
    {
        var opened = new List<EndpointStream>();
        foreach (var endpoint in table.Configuration.Endpoints)
        {
            if (_open.ContainsKey(endpoint.StreamId))
                continue;
            var stream = await EndpointStream.OpenAsync(services, endpoint, cancellationToken);
            if (!stream.IsOk)
            {
                foreach (var other in opened)
                    await (other.IsNew ? other.RemoveAsync() : other.DisposeAsync());
                return stream.Error;
            }
            opened.Add(stream.Value);
        }
        Volatile.Write(
            ref _open, _open.AddRange(opened.Select(static s => KeyValuePair.Create(s.Endpoint.StreamId, s))));
        return null;
    }

    public async ValueTask SwitchAsync(RouteTable table)
    {
        var configuration = table.Configuration;
        var hubName = services.Hub.Name;
        var builtIn = router.State.Targets[0];
        RouteTarget[] targets =
        [
            builtIn with { Pairs = EnrichmentPairs.Of(configuration, RouteEndpoint.BuiltIn, hubName) },
            .. configuration.Endpoints.Select(e => new RouteTarget(
                e.Name, _open[e.StreamId].Log, EnrichmentPairs.Of(configuration, e.Name, hubName))),
        ];
        router.Switch(new RoutingState(table, targets));
        foreach (var endpoint in configuration.Endpoints)
            await _open[endpoint.StreamId].StartAsync(endpoint);
        var kept = _open.Where(pair => configuration.Endpoints.Any(e => e.StreamId == pair.Key))
            .ToImmutableDictionary();
        var removed = _open.Where(pair => !kept.ContainsKey(pair.Key)).Select(static pair => pair.Value).ToList();
        entities.Set(kept.Values.Select(static stream => stream.Entity));
        Volatile.Write(ref _open, kept);
        foreach (var stream in removed)
            await RemoveAsync(stream);
        if (table.HasRoutes || configuration.Endpoints.Length > 0)
            logger.RoutingChanged(
                configuration.Routes.Length, configuration.Endpoints.Length, configuration.Enrichments.Length);
    }

    /// <summary>
    /// Removes the streams that no endpoint has any more: a hub that was killed between a change of routing and the
    /// tidying up behind it leaves one. Called once, when the stored configuration is open. What was written lately
    /// stays: whoever puts an older state database back finds the events again when the endpoints are back too.
    /// </summary>
    public void RemoveLeftovers()
    {
        if (!Directory.Exists(services.Directory))
            return;
        foreach (var directory in Directory.EnumerateDirectories(services.Directory))
        {
            var id = Path.GetFileName(directory);
            if (_open.ContainsKey(id))
                continue;
            try
            {
                var goneAt = LastWriteOf(directory) + RoutingLimits.LeftoverStreamLife;
                if (services.Time.GetUtcNow() < goneAt)
                {
                    logger.LeftoverStreamKept(id, directory, goneAt);
                    continue;
                }
                Directory.Delete(directory, recursive: true);
                logger.LeftoverStreamRemoved(id);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.LeftoverStreamNotRemoved(id, e.Message);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Together: each may take its time to let a delivery end.
        await Task.WhenAll(_open.Values.Select(static stream => stream.DisposeAsync().AsTask()));
    }

    private static DateTimeOffset LastWriteOf(string directory) => Directory
        .EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories)
        .Prepend(directory)
        .Max(static path => new DateTimeOffset(File.GetLastWriteTimeUtc(path)));

    /// <summary>The change is in force; what cannot be removed of the old stays on the disk, unused.</summary>
    private async ValueTask RemoveAsync(EndpointStream stream)
    {
        try
        {
            await stream.RemoveAsync();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.EndpointNotRemoved(stream.Endpoint.Name, stream.Endpoint.StreamId, e.Message);
        }
    }
}
