using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Core.Identities;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Server.Amqp;
using Hubbub.Storage.Events;
using Hubbub.Storage.Files;

namespace Hubbub.Server.Routing;

/// <summary>
/// One custom endpoint in service: its stream, and either the entity under which clients read it, or the dispatcher
/// that delivers it and the entity of its dead letters. Used by one change at a time.
/// </summary>
internal sealed class EndpointStream : IAsyncDisposable
{
    /// <summary>Segments are reserved as a whole, and released as a whole when all of it is delivered.</summary>
    private const int SinkSegmentBytes = 16 << 20;

    /// <summary>As above; there should be few dead letters.</summary>
    private const int DeadLetterSegmentBytes = 4 << 20;

    /// <summary>How long a dead letter is kept at least: somebody has to look at it.</summary>
    private static readonly TimeSpan DeadLetterRetention = TimeSpan.FromDays(7);

    private readonly EndpointStreamServices _services;
    private readonly SegmentedEventLog _log;
    private readonly SegmentedEventLog? _deadLetterLog;
    private EndpointDispatcher? _dispatcher;

    private EndpointStream(
        EndpointStreamServices services, RouteEndpoint endpoint, SegmentedEventLog log,
        SegmentedEventLog? deadLetterLog) =>
        (_services, Endpoint, _log, _deadLetterLog) = (services, endpoint, log, deadLetterLog);

    public RouteEndpoint Endpoint { get; private set; }

    public IEventLog Log => _log;

    /// <summary>The entity that clients read: the stream itself, or what could not be delivered from it.</summary>
    public required EventEntity Entity { get; init; }

    /// <summary>True when its stream did not exist before.</summary>
    public required bool IsNew { get; init; }

    /// <summary>How deliveries go; null for a stream that clients read.</summary>
    public EndpointStatus? Status => _dispatcher?.Status;

    /// <summary>
    /// Opens the streams of an endpoint, or makes them. Nothing is delivered before <see cref="StartAsync"/>.
    /// </summary>
    public static async Task<HubResult<EndpointStream>> OpenAsync(
        EndpointStreamServices services, RouteEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (endpoint.Sink is { } sink && !services.Dispatch.CanStart(sink))
        {
            return new HubError(
                HubErrorCode.NotImplemented,
                $"The endpoint '{endpoint.Name}' is refused: this hub has no endpoints of the type '{endpoint.Kind}'.");
        }
        SegmentedEventLog? log = null;
        SegmentedEventLog? deadLetters = null;
        try
        {
            // Opening a log scans what is there; no thread of a connection waits for that.
            var isNew = !Directory.Exists(DirectoryOf(services, endpoint));
            (log, deadLetters) = await Task.Run(() => OpenLogsAsync(services, endpoint), cancellationToken);
            var name = endpoint.EntityName;
            var groups = await ConsumerGroups.OpenAsync(
                services.Groups, name, endpoint.CreatedAt, services.Time, cancellationToken);
            var entity = new EventEntity(name, deadLetters ?? log, groups);
            groups.OnDeleted(group => entity.Readers.RemoveGroup(
                group.Name,
                EventStreamAdmission.NotFoundText(services.Hub, $"{name}/ConsumerGroups/{group.Name}")
                    + " It was deleted."));
            return new EndpointStream(services, endpoint, log, deadLetters) { Entity = entity, IsNew = isNew };
        }
        catch (Exception e)
        {
            if (log is not null)
                await log.DisposeAsync();
            if (deadLetters is not null)
                await deadLetters.DisposeAsync();
            if (e is IOException or UnauthorizedAccessException)
                return new HubError(
                    HubErrorCode.ServerError, $"The endpoint '{endpoint.Name}' cannot be opened: {e.Message}");
            throw;
        }
    }

    /// <summary>Delivers by these options from now on; what was begun by others is ended first.</summary>
    public async ValueTask StartAsync(RouteEndpoint endpoint)
    {
        var isSame = _dispatcher is not null && endpoint.Sink == Endpoint.Sink
            && endpoint.Dispatch == Endpoint.Dispatch;
        Endpoint = endpoint;
        if (endpoint.Sink is not { } sink || isSame)
            return;
        if (_dispatcher is not null)
            await _dispatcher.DisposeAsync();
        _dispatcher = _services.Dispatch.Start(
            endpoint.Name,
            endpoint.StreamId,
            sink,
            endpoint.Dispatch,
            _log,
            _deadLetterLog!.Partitions[0]);
    }

    /// <summary>Ends deliveries and readers, and removes all that the endpoint has stored.</summary>
    public async ValueTask RemoveAsync()
    {
        Entity.Remove(EventStreamAdmission.NotFoundText(_services.Hub, Entity.Name) + " It was removed.");
        foreach (var group in Entity.Groups.All)
        {
            if (group.Name != ConsumerGroups.Default)
                await Entity.Groups.DeleteAsync(group.Name, CancellationToken.None);
        }
        await DisposeAsync();
        if (Endpoint.Sink is not null)
            await _services.Positions.DeletePositionAsync(Endpoint.StreamId, CancellationToken.None);
        Directory.Delete(DirectoryOf(_services, Endpoint), recursive: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_dispatcher is not null)
            await _dispatcher.DisposeAsync();
        await _log.DisposeAsync();
        if (_deadLetterLog is not null)
            await _deadLetterLog.DisposeAsync();
        Entity.Groups.Dispose();
    }

    private static async Task<(SegmentedEventLog Log, SegmentedEventLog? DeadLetters)> OpenLogsAsync(
        EndpointStreamServices services, RouteEndpoint endpoint)
    {
        var root = DirectoryOf(services, endpoint);
        LocalFileSystem.Instance.CreateDirectory(root);
        if (endpoint.Sink is not { } sink)
            return (OpenLog(services, Path.Combine(root, "events"), OptionsOf(endpoint.Stream)), null);
        // What has been delivered is released at once; the rest must outlive every attempt.
        var maxAge = (endpoint.Dispatch ?? sink.DefaultDispatch).MaxAge;
        var log = OpenLog(
            services, Path.Combine(root, "events"), OptionsOf(endpoint.Stream, maxAge * 2, SinkSegmentBytes));
        try
        {
            var options = OptionsOf(endpoint.Stream, DeadLetterRetention, DeadLetterSegmentBytes);
            return (log, OpenLog(services, Path.Combine(root, "deadletters"), options));
        }
        catch
        {
            await log.DisposeAsync();
            throw;
        }
    }

    private static EventLogOptions OptionsOf(
        EventStreamOptions stream, TimeSpan retentionMin = default, int segmentBytesMax = int.MaxValue)
    {
        var retention = stream.Retention > retentionMin ? stream.Retention : retentionMin;
        var options = StreamOptions.Of(stream.Partitions, retention, stream.RetentionBytes);
        return options with { SegmentSizeBytes = Math.Min(options.SegmentSizeBytes, segmentBytesMax) };
    }

    private static SegmentedEventLog OpenLog(EndpointStreamServices services, string directory, EventLogOptions options)
    {
        LocalFileSystem.Instance.CreateDirectory(directory);
        return SegmentedEventLog.Open(
            LocalFileSystem.Instance, directory, options, services.Time, services.Report);
    }

    private static string DirectoryOf(EndpointStreamServices services, RouteEndpoint endpoint) =>
        Path.Combine(services.Directory, endpoint.StreamId);
}
