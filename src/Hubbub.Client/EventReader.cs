using Hubbub.Amqp.Transport;
using Hubbub.Client.Connections;
using Hubbub.Client.Events;

namespace Hubbub.Client;

/// <summary>
/// Reads the events of a hub: from the connection string of a service, whose redirect it follows, or from one of Event
/// Hubs. Safe for concurrent use.
/// </summary>
/// <remarks>
/// The connection is made by the first call and made again when it is lost, as <see cref="ClientOptions.Reconnect"/>
/// says; enumerations under way go on behind the last event that came, so that none is missed or seen twice.
/// </remarks>
public sealed class EventReader : IAsyncDisposable
{
    private readonly ConnectionString _to;
    private readonly EventReaderOptions _options;
    private readonly ConnectionStateSignal _states;
    private readonly OnDemand<EventHubSession> _sessions;
    private CheckpointKey? _place;

    private EventReader(ConnectionString to, EventReaderOptions options)
    {
        (_to, _options) = (to, options);
        _states = new ConnectionStateSignal(this);
        _sessions = new OnDemand<EventHubSession>(
            to.HostName,
            options,
            cancellationToken => EventHubSession.OpenAsync(to, options, cancellationToken),
            static session => session.Session.Ended,
            static session => session.CloseAsync())
        {
            OnState = _states.Set,
        };
    }

    /// <summary>
    /// Tells that <see cref="State"/> has changed: in order, one at a time, on a thread of the pool. A handler that is
    /// slow is told of the newest sixteen changes only; what it throws harms neither the client nor other handlers.
    /// </summary>
    public event EventHandler<ConnectionStateChangedEventArgs>? ConnectionStateChanged
    {
        add => _states.Changed += value;
        remove => _states.Changed -= value;
    }

    /// <summary>How it stands with the connection.</summary>
    public ConnectionState State => _states.State;

    /// <summary>A reader for a hub.</summary>
    /// <exception cref="FormatException">It is no connection string of a service or of Event Hubs.</exception>
    public static EventReader CreateFromConnectionString(string connectionString, EventReaderOptions? options = null) =>
        Create(ConnectionString.Parse(connectionString), options);

    /// <summary>A reader for a hub.</summary>
    /// <exception cref="FormatException">It is no connection string of a service or of Event Hubs, or names no event
    /// hub.</exception>
    public static EventReader Create(ConnectionString connectionString, EventReaderOptions? options = null)
    {
        if (connectionString.Kind == ConnectionStringKind.Device)
            throw new FormatException(
                "The connection string is a device's; reading takes a service's or an Event Hubs one.");
        options ??= new EventReaderOptions();
        if (connectionString.Kind == ConnectionStringKind.EventHubs
            && connectionString.EntityPath is null == options.EventHub is null)
        {
            throw new FormatException(connectionString.EntityPath is null
                ? "No event hub is named: neither by EntityPath in the connection string nor "
                    + "by EventHub in the options."
                : "The event hub is named twice: by EntityPath in the connection string and "
                    + "by EventHub in the options.");
        }
        return new EventReader(connectionString, options);
    }

    /// <summary>Asks which partitions there are.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused or too slow.</exception>
    public Task<EventHubProperties> GetPropertiesAsync(CancellationToken cancellationToken = default) =>
        AskAsync(static (session, c) => session.ReadHubAsync(c), cancellationToken);

    /// <summary>Asks what a partition holds.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused or too slow.</exception>
    public Task<PartitionProperties> GetPartitionPropertiesAsync(
        string partitionId, CancellationToken cancellationToken = default) =>
        AskAsync((session, c) => session.ReadPartitionAsync(partitionId, c), cancellationToken);

    /// <summary>
    /// Attaches to partitions; when it completes, the position is fixed: nothing that comes later is missed.
    /// </summary>
    /// <param name="from">Where to begin, in each partition that has no checkpoint.</param>
    /// <param name="partitionIds">The partitions; null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused or too slow.</exception>
    public async Task<EventSubscription> SubscribeAsync(
        EventPosition from, IReadOnlyList<string>? partitionIds = null, CancellationToken cancellationToken = default)
    {
        partitionIds ??= (await GetPropertiesAsync(cancellationToken).ConfigureAwait(false)).PartitionIds;
        var starts = await Task.WhenAll(partitionIds.Select(id => StartOfAsync(id, from, cancellationToken)))
            .ConfigureAwait(false);
        var signal = new AsyncSignal();
        var feeds = new PartitionFeed[starts.Length];
        for (var i = 0; i < feeds.Length; i++)
            feeds[i] = new PartitionFeed(partitionIds[i], starts[i], _options, _sessions, signal);
        var subscription = new EventSubscription(signal, feeds);
        try
        {
            await Task.WhenAll(feeds.Select(feed => feed.StartAsync(cancellationToken))).ConfigureAwait(false);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Reads all partitions, in fair turns, until it is cancelled.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted or refused, or somebody has taken a partition
    /// over.</exception>
    public IAsyncEnumerable<ReceivedEvent> ReadAsync(
        EventPosition from, CancellationToken cancellationToken = default) =>
        ReadAsync(from, null, cancellationToken);

    /// <summary>Reads one partition until it is cancelled.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted or refused, or somebody has taken it over.</exception>
    public IAsyncEnumerable<ReceivedEvent> ReadPartitionAsync(
        string partitionId, EventPosition from, CancellationToken cancellationToken = default) =>
        ReadAsync(from, [partitionId], cancellationToken);

    /// <summary>
    /// Keeps that an event and all before it in its partition are dealt with; needs
    /// <see cref="EventReaderOptions.Checkpoints"/>. To be called once for many events: it costs a write.
    /// </summary>
    /// <exception cref="InvalidOperationException">The options name no store.</exception>
    public async Task CheckpointAsync(ReceivedEvent received, CancellationToken cancellationToken = default)
    {
        if (_options.Checkpoints is not { } store)
            throw new InvalidOperationException("EventReaderOptions.Checkpoints names no store for checkpoints.");
        var key = await KeyOfAsync(received.PartitionId, cancellationToken).ConfigureAwait(false);
        var checkpoint = new Checkpoint(received.SequenceNumber, received.Offset);
        await store.SaveAsync(key, checkpoint, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes the connection; enumerations under way throw.</summary>
    /// <exception cref="OperationCanceledException">Nobody waits any more; it goes on by itself.</exception>
    public Task CloseAsync(CancellationToken cancellationToken = default) =>
        _sessions.CloseAsync().WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _sessions.CloseAsync().ConfigureAwait(false);

    private EventSequence ReadAsync(EventPosition from, string[]? partitionIds, CancellationToken cancellationToken) =>
        new(either => SubscribeAsync(from, partitionIds, either), cancellationToken);

    /// <summary>
    /// Behind the checkpoint, if there is one; the end as a number, which stays true over reconnects.
    /// </summary>
    private async Task<EventPosition> StartOfAsync(
        string partitionId, EventPosition from, CancellationToken cancellationToken)
    {
        if (_options.Checkpoints is { } store)
        {
            var key = await KeyOfAsync(partitionId, cancellationToken).ConfigureAwait(false);
            if (await store.LoadAsync(key, cancellationToken).ConfigureAwait(false) is { } checkpoint)
                return EventPosition.FromSequenceNumber(checkpoint.SequenceNumber, isInclusive: false);
        }
        if (!from.IsEnd)
            return from;
        var partition = await GetPartitionPropertiesAsync(partitionId, cancellationToken).ConfigureAwait(false);
        return EventPosition.FromSequenceNumber(partition.LastEnqueuedSequenceNumber, isInclusive: false);
    }

    // Only the first one has to ask where the events are.
    private async ValueTask<CheckpointKey> KeyOfAsync(string partitionId, CancellationToken cancellationToken)
    {
        _place ??= await AskAsync(
            (session, _) => Task.FromResult(new CheckpointKey(
                session.Connection.Address.HostName, session.EntityPath, _options.ConsumerGroup, "")),
            cancellationToken).ConfigureAwait(false);
        return _place with { PartitionId = partitionId };
    }

    /// <summary>
    /// Asks on a session, and once more on another one when that is lost, as long as a call may take.
    /// </summary>
    private async Task<T> AskAsync<T>(
        Func<EventHubSession, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.OperationTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var backoff = new Backoff(_options);
        HubbubException? failure = null;
        try
        {
            while (true)
            {
                try
                {
                    var session = await _sessions.GetAsync(either.Token).ConfigureAwait(false);
                    return await ask(session, either.Token).ConfigureAwait(false);
                }
                catch (HubbubException e) when (_options.Reconnect.IsEnabled && e.IsTransient)
                {
                    failure = e;
                    await backoff.WaitAsync(either.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw failure ?? _sessions.LastFailure ?? Timely.TooLong(_options, _to.HostName, "the request", e);
        }
    }
}
