using Hubbub.Core.Commands;
using Hubbub.Core.Events;
using Hubbub.Core.Identities;
using Hubbub.Core.Routing;
using Hubbub.Core.Security;
using Hubbub.Server.Amqp;
using Hubbub.Server.Routing;
using Hubbub.Server.Routing.Sinks;
using Hubbub.Storage;
using Hubbub.Storage.Events;
using Hubbub.Storage.Files;
using Hubbub.Storage.State;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>The hub's domain over its storage: opened before anything listens, closed after all has stopped.</summary>
internal sealed class HubCore : IAsyncDisposable
{
    private readonly DataDirectory _data;
    private readonly StateStore _state;
    private readonly IEventLog _log;
    private readonly StorageReport _report;

    private HubCore(DataDirectory data, StateStore state, IEventLog log, StorageReport report) =>
        (_data, _state, _log, _report) = (data, state, log, report);

    public required HubIdentity Hub { get; init; }

    public HubSettings Settings => Policies.Settings;

    public required PolicyRegistry Policies { get; init; }

    public required IdentityRegistry Registry { get; init; }

    /// <summary>Which devices are connected, as their links show.</summary>
    public required DevicePresence Presence { get; init; }

    /// <summary>Stores what <see cref="Presence"/> knows of activity.</summary>
    public required ActivityRecorder Activity { get; init; }

    public required CommandQueues Commands { get; init; }

    public required ConsumerGroups Groups { get; init; }

    public required CertificateAuthorities Authorities { get; init; }

    /// <summary>Slows down those who guess.</summary>
    public required FailedAuthentications Failures { get; init; }

    public required Authenticator Authenticator { get; init; }

    public required EventEntity Events { get; init; }

    /// <exception cref="HubStartException">The data directory cannot be used; the text says why.</exception>
    public static async Task<HubCore> OpenAsync(
        HubOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        DataDirectory? data = null;
        StateStore? state = null;
        SegmentedEventLog? log = null;
        try
        {
            data = DataDirectory.Open(options.DataDirectory);
            var logOptions = StreamOptions.Of(options.Partitions, options.Retention, options.RetentionBytes);
            // The log is scanned while the database opens: neither knows the other.
            var report = new StorageReport(logger);
            var opening = Task.Run(
                () => SegmentedEventLog.Open(
                    LocalFileSystem.Instance, data.EventsDirectory, logOptions, time, report),
                cancellationToken);
            try
            {
                state = StateStore.Open(data.StateDirectory, time);
                report.Watch(state);
            }
            finally
            {
                log = await opening;
            }
            var settings = await HubSettings.LoadOrCreateAsync(
                state, HubIdentity.FirstLabel(options.HostName), time, cancellationToken);
            if (!settings.IsOk)
                throw new HubStartException(settings.Error!.Message);
            var hub = new HubIdentity(options.HostNames, settings.Value.EntityName);
            var registry = await IdentityRegistry.OpenAsync(state, time, cancellationToken);
            var groups = await ConsumerGroups.OpenAsync(
                state, hub.EntityName, settings.Value.CreatedAt, time, cancellationToken);
            var commands = await CommandQueues.OpenAsync(
                state, registry, options.Commands, time, e => logger.CommandsUnreadable(e.Message), cancellationToken);
            var authorities = await CertificateAuthorities.OpenAsync(state, time, cancellationToken);
            var policies = new PolicyRegistry(state, settings.Value);
            var presence = new DevicePresence(registry, time);
            return new HubCore(data, state, log, report)
            {
                Hub = hub,
                Policies = policies,
                Registry = registry,
                Presence = presence,
                Activity = new ActivityRecorder(presence, registry, state, time, logger.ActivityRecordingFailed),
                Commands = commands,
                Groups = groups,
                Authorities = authorities,
                Failures = new FailedAuthentications(time),
                Authenticator = new Authenticator(
                    hub, registry, policies, time, options.ClockSkew, authorities),
                Events = new EventEntity(hub.EntityName, log, groups),
            };
        }
        catch (Exception e)
        {
            if (log is not null)
                await log.DisposeAsync();
            state?.Dispose();
            data?.Dispose();
            if (e is StorageFullException)
            {
                throw new HubStartException(
                    $"There is no room for the hub in '{options.DataDirectory}': {e.Message}. "
                    + "Free some space, or name another directory with --data DIR.",
                    e);
            }
            if (e is IOException or UnauthorizedAccessException or StateStoreException)
                throw new HubStartException(e.Message, e);
            throw;
        }
    }

    /// <summary>Opens routing over this core; to be closed before it.</summary>
    /// <exception cref="HubStartException">An endpoint cannot be opened; the text says why.</exception>
    public async Task<HubRouting> OpenRoutingAsync(
        RoutingOptions options, HubMetrics metrics, TimeProvider time, ILogger logger,
        CancellationToken cancellationToken)
    {
        var services = new EndpointStreamServices
        {
            Directory = _data.StreamsDirectory,
            Hub = Hub,
            Groups = _state,
            Positions = _state,
            Dispatch = new EndpointDispatch(
                [new SinkFactory(options.Sinks, time), .. options.SinkFactories], _state, time, logger),
            Report = _report,
            Time = time,
        };
        var routing = await HubRouting.OpenAsync(services, Events, _state, options, metrics, logger, cancellationToken);
        return routing.IsOk ? routing.Value : throw new HubStartException(routing.Error!.Message);
    }

    /// <summary>Commits what waits, syncs, and gives the data directory free.</summary>
    public async ValueTask DisposeAsync()
    {
        await Commands.DisposeAsync();
        await Activity.DisposeAsync();
        Presence.Dispose();
        Groups.Dispose();
        Authorities.Dispose();
        Policies.Dispose();
        await _log.DisposeAsync();
        _state.Dispose();
        _data.Dispose();
    }
}
