using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client.Events;

/// <summary>An authorised connection to the endpoint that holds the events, and its management node.</summary>
internal sealed class EventHubSession
{
    private readonly CbsAuthorization _authorization;
    private readonly TokenSource _tokens;
    private readonly SemaphoreSlim _managing = new(1);
    private RequestChannel? _management;

    private EventHubSession(
        AmqpClientConnection connection, ClientSession session, CbsAuthorization authorization, string entityPath,
        TokenSource tokens)
    {
        Connection = connection;
        Session = session;
        _authorization = authorization;
        EntityPath = entityPath;
        _tokens = tokens;
    }

    public AmqpClientConnection Connection { get; }

    public ClientSession Session { get; }

    /// <summary>Why it is over; null while it is not.</summary>
    public HubbubException? End => Connection.End ?? Session.End;

    /// <summary>The event hub's name.</summary>
    public string EntityPath { get; }

    /// <summary>Connects; from a service's connection string by way of the hub's redirect.</summary>
    public static async Task<EventHubSession> OpenAsync(
        ConnectionString to, EventReaderOptions options, CancellationToken cancellationToken)
    {
        var address = ServerAddress.Of(to, options);
        var entityPath = to.Kind == ConnectionStringKind.EventHubs ? to.EntityPath ?? options.EventHub : null;
        if (entityPath is null)
            (address, entityPath) = await EventsRedirect.FindAsync(to, address, options, cancellationToken)
                .ConfigureAwait(false);
        var tokens = TokenSource.ForEventHubs(address.HostName, entityPath, to, options);
        var connection = await AmqpClientConnection.OpenAsync(address, SaslCredentials.Cbs, options, cancellationToken)
            .ConfigureAwait(false);
        CbsAuthorization? authorization = null;
        try
        {
            authorization = await CbsAuthorization.StartAsync(connection, tokens, cancellationToken)
                .ConfigureAwait(false);
            var session = await connection.BeginSessionAsync(cancellationToken).ConfigureAwait(false);
            return new EventHubSession(connection, session, authorization, entityPath, tokens);
        }
        catch
        {
            if (authorization is not null)
                await authorization.DisposeAsync().ConfigureAwait(false);
            await connection.CloseAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task<EventHubProperties> ReadHubAsync(CancellationToken cancellationToken)
    {
        var map = await ReadAsync("com.microsoft:eventhub", null, cancellationToken).ConfigureAwait(false);
        var ids = ReadStrings(Required(map, "partition_ids"));
        return new EventHubProperties(EntityPath, TimeOf(map, "created_at"), ids);
    }

    public async Task<PartitionProperties> ReadPartitionAsync(string partitionId, CancellationToken cancellationToken)
    {
        var map = await ReadAsync("com.microsoft:partition", partitionId, cancellationToken).ConfigureAwait(false);
        return new PartitionProperties(
            partitionId,
            NumberOf(map, "begin_sequence_number"),
            NumberOf(map, "last_enqueued_sequence_number"),
            Required(map, "last_enqueued_offset").TryGetString(out var offset) ? offset : "-1",
            TimeOf(map, "last_enqueued_time_utc"),
            Required(map, "is_partition_empty").TryGetBoolean(out var isEmpty) && isEmpty);
    }

    /// <summary>Attaches a link, with a claim that holds.</summary>
    /// <exception cref="HubbubException">Refused, or lost.</exception>
    public async Task AttachAsync(ClientLink link, Attach attach, CancellationToken cancellationToken)
    {
        await _authorization.EnsureAsync(Session, cancellationToken).ConfigureAwait(false);
        await Connection.AttachAsync(Session, link, attach, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes the connection.</summary>
    public async Task CloseAsync()
    {
        await _authorization.DisposeAsync().ConfigureAwait(false);
        await Connection.CloseAsync().ConfigureAwait(false);
    }

    // eventhubs.md 7: a READ on $management, authorised by the token that it carries.
    private async Task<AmqpMap> ReadAsync(string type, string? partitionId, CancellationToken cancellationToken)
    {
        var channel = await ManagementAsync(cancellationToken).ConfigureAwait(false);
        var token = await _tokens.MakeAsync(Connection.Options, cancellationToken).ConfigureAwait(false);
        var properties = new AmqpMapBuilder(MapKeyKind.String)
            .Add("operation", "READ")
            .Add("name", EntityPath)
            .Add("type", type)
            .Add("security_token", token.Value);
        if (partitionId is not null)
            properties.Add("partition", partitionId);
        var response = await channel.CallAsync(properties.Build(), default, cancellationToken).ConfigureAwait(false);
        return response.Body?.AsMap() ?? throw Malformed("its body is no map");
    }

    private async Task<RequestChannel> ManagementAsync(CancellationToken cancellationToken)
    {
        await _managing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_management is { End: null } open)
                return open;
            return _management = await RequestChannel.OpenAsync(Connection, Session, "$management", cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            _managing.Release();
        }
    }

    private static AmqpValue Required(AmqpMap map, string name) =>
        map.TryGet(name, out var value) ? value : throw Malformed($"{name} is missing");

    private static long NumberOf(AmqpMap map, string name) =>
        Required(map, name).TryGetInt64(out var value) ? value : throw Malformed($"{name} is no integer");

    private static DateTimeOffset TimeOf(AmqpMap map, string name) =>
        Required(map, name).TryGetTimestamp(out var value)
            ? value.ToDateTimeOffset()
            : throw Malformed($"{name} is no timestamp");

    private static string[] ReadStrings(AmqpValue array)
    {
        if (!StringArray.TryRead(array, ClientLimits.PartitionsMax, out var strings))
            throw Malformed("partition_ids is no array of strings");
        return strings;
    }

    private static HubbubException Malformed(string why) =>
        new(ErrorCondition.DecodeError, $"the answer cannot be used: {why}", "$management");
}
