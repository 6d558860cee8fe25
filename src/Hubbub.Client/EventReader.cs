using System.Runtime.CompilerServices;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Transport;
using Hubbub.Client.Connections;
using Hubbub.Client.Events;

namespace Hubbub.Client;

/// <summary>
/// Reads the events of a hub: from the connection string of a service, whose redirect it follows, or from one of Event
/// Hubs. Safe for concurrent use.
/// </summary>
/// <remarks>
/// The connection is made by the first call. When it is lost, enumerations under way throw, and the next call connects
/// again.
/// </remarks>
public sealed class EventReader : IAsyncDisposable
{
    // Asks the hub to settle on sending: events are read, not consumed (eventhubs.md 5.4).
    private const SenderSettleMode SettleMode = SenderSettleMode.Settled;
    private static readonly Symbol SelectorFilter = new("apache.org:selector-filter:string");

    private readonly ConnectionString _to;
    private readonly EventReaderOptions _options;
    private readonly SemaphoreSlim _opening = new(1);
    private EventHubSession? _session;
    private volatile bool _isClosed;

    private EventReader(ConnectionString to, EventReaderOptions options) => (_to, _options) = (to, options);

    /// <summary>A reader for a hub.</summary>
    /// <exception cref="FormatException">It is no connection string of a service or of Event Hubs.</exception>
    public static EventReader CreateFromConnectionString(string connectionString, EventReaderOptions? options = null) =>
        Create(ConnectionString.Parse(connectionString), options);

    /// <summary>A reader for a hub.</summary>
    /// <exception cref="FormatException">It is no connection string of a service or of Event Hubs.</exception>
    public static EventReader Create(ConnectionString connectionString, EventReaderOptions? options = null)
    {
        if (connectionString.Kind == ConnectionStringKind.Device)
            throw new FormatException(
                "The connection string is a device's; reading takes a service's or an Event Hubs one.");
        return new EventReader(connectionString, options ?? new EventReaderOptions());
    }

    /// <summary>Asks which partitions there are.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted or refused.</exception>
    public async Task<EventHubProperties> GetPropertiesAsync(CancellationToken cancellationToken = default)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        return await session.ReadHubAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks what a partition holds.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted or refused.</exception>
    public async Task<PartitionProperties> GetPartitionPropertiesAsync(
        string partitionId, CancellationToken cancellationToken = default)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        return await session.ReadPartitionAsync(partitionId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Attaches to partitions; when it completes, the position is fixed: nothing that comes later is missed.
    /// </summary>
    /// <param name="from">Where to begin, in each partition.</param>
    /// <param name="partitionIds">The partitions; null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HubbubException">Unreachable, untrusted or refused.</exception>
    public async Task<EventSubscription> SubscribeAsync(
        EventPosition from, IReadOnlyList<string>? partitionIds = null, CancellationToken cancellationToken = default)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        partitionIds ??= (await session.ReadHubAsync(cancellationToken).ConfigureAwait(false)).PartitionIds;
        var signal = new AsyncSignal();
        var feeds = new PartitionFeed[partitionIds.Count];
        var attached = new Task[feeds.Length];
        for (var i = 0; i < feeds.Length; i++)
        {
            var address = $"{session.EntityPath}/ConsumerGroups/{_options.ConsumerGroup}/Partitions/{partitionIds[i]}";
            feeds[i] = new PartitionFeed(partitionIds[i], address, _options.Prefetch, signal);
            attached[i] = session.Connection.AttachAsync(
                session.Session, feeds[i].Link, AttachTo(address, from), cancellationToken);
        }
        var subscription = new EventSubscription(session.Connection, signal, feeds);
        try
        {
            await Task.WhenAll(attached).ConfigureAwait(false);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Reads all partitions, in fair turns, until it is cancelled.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused, or the link or connection has
    /// ended.</exception>
    public IAsyncEnumerable<ReceivedEvent> ReadAsync(
        EventPosition from, CancellationToken cancellationToken = default) =>
        ReadAsync(from, null, cancellationToken);

    /// <summary>Reads one partition until it is cancelled.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused, or the link or connection has
    /// ended.</exception>
    public IAsyncEnumerable<ReceivedEvent> ReadPartitionAsync(
        string partitionId, EventPosition from, CancellationToken cancellationToken = default) =>
        ReadAsync(from, [partitionId], cancellationToken);

    /// <summary>Closes the connection; enumerations under way throw.</summary>
    public async Task CloseAsync()
    {
        _isClosed = true;
        await _opening.WaitAsync().ConfigureAwait(false);
        try
        {
            await DisconnectAsync().ConfigureAwait(false);
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    private async IAsyncEnumerable<ReceivedEvent> ReadAsync(
        EventPosition from, string[]? partitionIds, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var subscription = await SubscribeAsync(from, partitionIds, cancellationToken).ConfigureAwait(false);
        try
        {
            await foreach (var received in subscription.WithCancellation(cancellationToken).ConfigureAwait(false))
                yield return received;
        }
        finally
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static Attach AttachTo(string address, EventPosition from)
    {
        var filter = new AmqpMapBuilder()
            .Add(SelectorFilter, AmqpValue.Described(SelectorFilter, AmqpValue.From(from.Filter)))
            .Build();
        return new Attach
        {
            Name = $"{address}-{Guid.NewGuid():N}",
            Handle = 0,
            Role = Role.Receiver,
            SndSettleMode = SettleMode,
            Source = new Source { Address = AmqpValue.From(address), Filter = filter },
            Target = new Target { Address = AmqpValue.From("hubbub-client") },
            Properties = new AmqpMapBuilder().Add("com.microsoft:receiver-name", "hubbub-client").Build(),
        };
    }

    private async Task<EventHubSession> SessionAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isClosed)
                throw HubbubException.Closed(_to.HostName);
            if (_session is { Connection.End: null } open)
                return open;
            await DisconnectAsync().ConfigureAwait(false);
            return _session = await EventHubSession.OpenAsync(_to, _options, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _opening.Release();
        }
    }

    private async Task DisconnectAsync()
    {
        if (_session is { } session)
        {
            _session = null;
            await session.DisposeAsync().ConfigureAwait(false);
        }
    }
}
