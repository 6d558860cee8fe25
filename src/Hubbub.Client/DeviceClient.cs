using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client;

/// <summary>
/// A device, or a module of one, at an IoT hub: sends telemetry over AMQP. Safe for concurrent use.
/// </summary>
/// <remarks>
/// The connection is made by the first call. When it is lost, what was under way fails with a
/// <see cref="HubbubException"/> whose condition is <see cref="HubbubCondition.ConnectionLost"/> (the hub may or may
/// not
/// have taken it), and the next call connects again.
/// </remarks>
public sealed class DeviceClient : IAsyncDisposable
{
    private readonly ConnectionString _to;
    private readonly DeviceClientOptions _options;
    private readonly string _address;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private volatile SendingLink? _link;
    private Task _connecting = Task.CompletedTask;
    private bool _isClosed;

    // Of the connecting task only, one at a time.
    private AmqpClientConnection? _connection;
    private CbsAuthorization? _authorization;

    private DeviceClient(ConnectionString to, DeviceClientOptions options)
    {
        (_to, _options) = (to, options);
        var module = to.ModuleId is { } id ? $"/modules/{Uri.EscapeDataString(id)}" : "";
        _address = $"/devices/{Uri.EscapeDataString(to.DeviceId!)}{module}/messages/events";
    }

    /// <summary>The device's id.</summary>
    public string DeviceId => _to.DeviceId!;

    /// <summary>The module's id; null for a device.</summary>
    public string? ModuleId => _to.ModuleId;

    /// <summary>A client for the device or module that the connection string names.</summary>
    /// <exception cref="FormatException">It is no connection string of a device.</exception>
    public static DeviceClient CreateFromConnectionString(
        string connectionString, DeviceClientOptions? options = null) =>
        Create(ConnectionString.Parse(connectionString), options);

    /// <summary>A client for the device or module that the connection string names.</summary>
    /// <exception cref="FormatException">It is no connection string of a device.</exception>
    public static DeviceClient Create(ConnectionString connectionString, DeviceClientOptions? options = null)
    {
        if (connectionString.Kind != ConnectionStringKind.Device)
            throw new FormatException("The connection string names no DeviceId.");
        return new DeviceClient(connectionString, options ?? new DeviceClientOptions());
    }

    /// <summary>Connects, if that has not been done; otherwise the first send does it.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted or refused.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        var (link, connecting) = Current();
        await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (link.End is { } end)
            throw end;
    }

    /// <summary>Sends a message; completes when the hub has it on stable storage and accepted it.</summary>
    /// <remarks>
    /// Any number of calls may be under way, up to <see cref="DeviceClientOptions.SendWindow"/>; more wait in line.
    /// Messages of one device keep the order of the calls. After a cancellation the message may still arrive.
    /// </remarks>
    /// <exception cref="HubbubException">Not accepted, or nobody knows.</exception>
    public ValueTask SendAsync(TelemetryMessage message, CancellationToken cancellationToken = default) =>
        _link is { End: null } link
            ? link.SendAsync(message, cancellationToken)
            : SendOnNewLink(message, cancellationToken);

    /// <summary>
    /// Sends messages in as few deliveries as they fit into (256 KiB or 500 messages each); completes when the hub has
    /// accepted all. A delivery is taken as a whole or not at all.
    /// </summary>
    /// <exception cref="HubbubException">One at least was not accepted; its message says how many were.</exception>
    public async Task SendBatchAsync(
        IEnumerable<TelemetryMessage> messages, CancellationToken cancellationToken = default)
    {
        var batches = TelemetryBatch.Split(messages, _address);
        if (batches.Count == 0)
            return;
        var (link, _) = Current();
        var sends = new Task[batches.Count];
        for (var i = 0; i < sends.Length; i++)
            sends[i] = link.SendAsync(batches[i], cancellationToken).AsTask();
        await Task.WhenAll(sends).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Array.Find(sends, static send => !send.IsCompletedSuccessfully) is not { } failed)
            return;
        if (batches.Count == 1 || failed.Exception?.InnerException is not HubbubException cause)
            await failed.ConfigureAwait(false);
        else
            throw PartlyAccepted(batches, sends, cause);
    }

    /// <summary>Closes the connection. What is under way fails.</summary>
    public async Task CloseAsync()
    {
        Task connecting;
        lock (_gate)
        {
            _isClosed = true;
            connecting = _connecting;
        }
        await _closing.CancelAsync().ConfigureAwait(false);
        await connecting.ConfigureAwait(false);
        await DisconnectAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    private ValueTask SendOnNewLink(TelemetryMessage message, CancellationToken cancellationToken)
    {
        try
        {
            return Current().Link.SendAsync(message, cancellationToken);
        }
        catch (HubbubException e)
        {
            return ValueTask.FromException(e);
        }
    }

    /// <summary>
    /// The link, which takes messages at once and in order; when there was none, it is being connected from here on.
    /// </summary>
    private (SendingLink Link, Task Connecting) Current()
    {
        lock (_gate)
        {
            if (_isClosed)
                throw HubbubException.Closed(_address);
            if (_link is { End: null } open)
                return (open, _connecting);
            var link = new SendingLink(_address, _options.SendWindow);
            _link = link;
            _connecting = ConnectAsync(link, _connecting);
            return (link, _connecting);
        }
    }

    /// <summary>Connects a link; a failure becomes the link's end, and with it that of every send on it.</summary>
    private async Task ConnectAsync(SendingLink link, Task before)
    {
        await before.ConfigureAwait(false);
        // Not under the lock of the one who called.
        await Task.Yield();
        try
        {
            await DisconnectAsync().ConfigureAwait(false);
            await AttachAsync(link, _closing.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever it is, the sends that wait must hear of it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            var end = e as HubbubException ?? (_closing.IsCancellationRequested
                ? HubbubException.Closed(_address)
                : new HubbubException(HubbubCondition.Unreachable, e.Message, _address, null, e));
            link.OnEnded(end);
            await DisconnectAsync().ConfigureAwait(false);
        }
    }

    private async Task AttachAsync(SendingLink link, CancellationToken cancellationToken)
    {
        var tokens = TokenSource.ForIotHub(_to);
        var isPlain = _options.Authentication == ClientAuthentication.SaslPlain;
        var sasl = isPlain
            ? SaslCredentials.Plain(_to, tokens.Make(_options.TimeProvider.GetUtcNow() + _options.TokenLifetime))
            : SaslCredentials.Cbs;
        _connection = await AmqpClientConnection.OpenAsync(
            ServerAddress.Of(_to, _options), sasl, _options, cancellationToken)
            .ConfigureAwait(false);
        var session = await _connection.BeginSessionAsync(cancellationToken).ConfigureAwait(false);
        if (!isPlain)
        {
            _authorization = await CbsAuthorization.StartAsync(_connection, session, tokens, cancellationToken)
                .ConfigureAwait(false);
        }
        await _connection.AttachAsync(session, link, new Attach
        {
            Name = $"telemetry-{Guid.NewGuid():N}",
            Handle = 0,
            Role = Role.Sender,
            Source = new Source { Address = AmqpValue.From(_to.DeviceId) },
            Target = new Target { Address = AmqpValue.From(_address) },
        }, cancellationToken).ConfigureAwait(false);
    }

    private async Task DisconnectAsync()
    {
        if (_authorization is { } authorization)
        {
            _authorization = null;
            await authorization.DisposeAsync().ConfigureAwait(false);
        }
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.CloseAsync().ConfigureAwait(false);
        }
    }

    private HubbubException PartlyAccepted(List<TelemetryBatch> batches, Task[] sends, HubbubException cause)
    {
        int accepted = 0, all = 0;
        for (var i = 0; i < sends.Length; i++)
        {
            all += batches[i].Count;
            if (sends[i].IsCompletedSuccessfully)
                accepted += batches[i].Count;
        }
        var why = $"{accepted} of {all} messages were accepted: {cause.Description}";
        return new HubbubException(cause.Condition, why, _address, cause.TrackingId, cause);
    }
}
