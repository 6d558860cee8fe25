using System.Runtime.CompilerServices;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client;

/// <summary>
/// A device, or a module of one, at an IoT hub: sends telemetry and receives commands over AMQP. Safe for concurrent
/// use.
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
    private readonly HubSessionSource _sessions;

    private DeviceClient(ConnectionString to, DeviceClientOptions options)
    {
        (_to, _options) = (to, options);
        _address = LinkAddresses.Telemetry(to.DeviceId!, to.ModuleId);
        _sessions = new HubSessionSource(to, options);
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

    /// <summary>
    /// Receives the commands of the device (module) until it is cancelled, up to
    /// <see cref="DeviceClientOptions.CommandPrefetch"/> ahead. Each has to be completed, rejected or abandoned; what is
    /// left when the enumeration ends is given out again. A hub lets one receiver have them, the newest.
    /// </summary>
    /// <exception cref="HubbubException">Unreachable, refused, or the link has ended.</exception>
    public async IAsyncEnumerable<ReceivedCommand> ReceiveCommandsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var link = await AttachCommandsAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (true)
                yield return new ReceivedCommand(await link.ReadAsync(cancellationToken).ConfigureAwait(false));
        }
        finally
        {
            link.Connection!.Detach(link);
        }
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
        await _sessions.CloseAsync().ConfigureAwait(false);
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
        }
    }

    private async Task AttachAsync(SendingLink link, CancellationToken cancellationToken)
    {
        var session = await _sessions.GetAsync(cancellationToken).ConfigureAwait(false);
        await session.Connection.AttachAsync(session.Session, link, new Attach
        {
            Name = $"telemetry-{Guid.NewGuid():N}",
            Handle = 0,
            Role = Role.Sender,
            Source = new Source { Address = AmqpValue.From(_to.DeviceId) },
            Target = new Target { Address = AmqpValue.From(_address) },
        }, cancellationToken).ConfigureAwait(false);
    }

    private async Task<MessageLink> AttachCommandsAsync(CancellationToken cancellationToken)
    {
        var session = await _sessions.GetAsync(cancellationToken).ConfigureAwait(false);
        var address = LinkAddresses.Commands(DeviceId, ModuleId);
        var link = new MessageLink(address, (uint)Math.Max(1, _options.CommandPrefetch));
        await session.Connection.AttachAsync(session.Session, link, new Attach
        {
            Name = $"commands-{Guid.NewGuid():N}",
            Handle = 0,
            Role = Role.Receiver,
            SndSettleMode = SenderSettleMode.Unsettled,
            // amqp.md 3.4: the hub then answers each outcome, when it is stored.
            RcvSettleMode = ReceiverSettleMode.Second,
            Source = new Source { Address = AmqpValue.From(address) },
            Target = new Target { Address = AmqpValue.From(DeviceId) },
        }, cancellationToken).ConfigureAwait(false);
        return link;
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
