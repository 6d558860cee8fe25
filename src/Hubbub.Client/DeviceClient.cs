using System.Diagnostics;
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
/// The connection is made by the first call and made again when it is lost, as <see cref="ClientOptions.Reconnect"/>
/// says; sends that were unanswered then are sent again or fail, as <see cref="ClientOptions.UnacknowledgedSends"/>
/// says. No call waits longer than <see cref="ClientOptions.OperationTimeout"/>.
/// </remarks>
public sealed class DeviceClient : IAsyncDisposable
{
    private readonly ConnectionString _to;
    private readonly DeviceClientOptions _options;
    private readonly ConnectionStateSignal _states;
    private readonly HubChannel _channel;
    private readonly SendQueue _telemetry;
    private readonly LinkKeeper _keeper;

    internal DeviceClient(
        ConnectionString to, DeviceClientOptions options, OnDemand<AmqpClientConnection>? shared = null)
    {
        (_to, _options) = (to, options);
        _states = new ConnectionStateSignal(this);
        _channel = new HubChannel(to, options, _states, shared);
        var address = LinkAddresses.Telemetry(to.DeviceId!, to.ModuleId);
        var onLinkLoss = options.UnacknowledgedSends == UnacknowledgedSends.Fail ? LinkLoss.Fail : LinkLoss.Resend;
        _telemetry = new SendQueue(address, options.SendWindow, options, onLinkLoss, Keep)
        {
            Trouble = () => _channel.LastFailure,
        };
        _keeper = new LinkKeeper(address, options, AttachTelemetryAsync, _telemetry.GiveUp)
        {
            Trouble = () => _channel.LastFailure,
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
    /// <exception cref="FormatException">
    /// It is no connection string of a device, or nothing proves who it is.
    /// </exception>
    public static DeviceClient Create(ConnectionString connectionString, DeviceClientOptions? options = null)
    {
        options ??= new DeviceClientOptions();
        connectionString.CheckDevice(options);
        return new DeviceClient(connectionString, options);
    }

    /// <summary>Connects, if that has not been done; otherwise the first send does it.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted, refused, or too slow.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        _telemetry.EnsureKept();
        await _keeper.WhenAttachedAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends a message; completes when the hub has it on stable storage and accepted it.</summary>
    /// <remarks>
    /// Any number of calls may be under way, up to <see cref="DeviceClientOptions.SendWindow"/>; more wait in line.
    /// Messages of one device keep the order of the calls. After a cancellation or a time-out the message may still
    /// arrive.
    /// </remarks>
    /// <exception cref="HubbubException">Not accepted, or nobody knows.</exception>
    public ValueTask SendAsync(TelemetryMessage message, CancellationToken cancellationToken = default) =>
        Tracing.IsOn
            ? SendTracedAsync(message, cancellationToken)
            : _telemetry.SendAsync(message, cancellationToken);

    /// <summary>
    /// Sends messages in as few deliveries as they fit into (256 KiB or 500 messages each); completes when the hub has
    /// accepted all. A delivery is taken as a whole or not at all.
    /// </summary>
    /// <exception cref="HubbubException">One at least was not accepted; its message says how many were.</exception>
    public async Task SendBatchAsync(
        IEnumerable<TelemetryMessage> messages, CancellationToken cancellationToken = default)
    {
        // What the link says it takes is known when it has been there once.
        var sizeMax = (int)Math.Min(ClientLimits.MessageBytesMax, _telemetry.MessageBytesMax);
        var batches = TelemetryBatch.Split(messages, _telemetry.Address, sizeMax, Activity.Current);
        if (batches.Count == 0)
            return;
        var sends = new Task[batches.Count];
        for (var i = 0; i < sends.Length; i++)
            sends[i] = SendBatchAsync(batches[i], cancellationToken).AsTask();
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
    /// <see cref="DeviceClientOptions.CommandPrefetch"/> ahead. Each has to be completed, rejected or abandoned; what
    /// is left when the enumeration ends is given out again. A hub lets one receiver have them, the newest.
    /// </summary>
    /// <exception cref="HubbubException">Refused, or another receiver has taken the link.</exception>
    public async IAsyncEnumerable<ReceivedCommand> ReceiveCommandsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var reader = new MessageReader(_options, AttachCommandsAsync);
        try
        {
            while (true)
                yield return new ReceivedCommand(await reader.ReadAsync(cancellationToken).ConfigureAwait(false));
        }
        finally
        {
            reader.Close();
        }
    }

    /// <summary>Closes the connection. What is under way fails.</summary>
    /// <exception cref="OperationCanceledException">Nobody waits any more; it goes on by itself.</exception>
    public Task CloseAsync(CancellationToken cancellationToken = default) =>
        DisposeAsync().AsTask().WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _keeper.StopAsync().ConfigureAwait(false);
        _telemetry.Close(HubbubException.Closed(_telemetry.Address));
        await _channel.CloseAsync().ConfigureAwait(false);
    }

    // Apart from SendAsync, which would otherwise make the closure for every message.
    private ValueTask SendTracedAsync(TelemetryMessage message, CancellationToken cancellationToken) =>
        Tracing.SendAsync(
            _telemetry,
            activity => new TracedTelemetry(message, activity),
            1,
            _options.TimeProvider,
            cancellationToken);

    private ValueTask SendBatchAsync(TelemetryBatch batch, CancellationToken cancellationToken) => Tracing.IsOn
        ? Tracing.SendAsync(_telemetry, _ => batch, batch.Count, _options.TimeProvider, cancellationToken)
        : _telemetry.SendAsync(batch, cancellationToken);

    private void Keep() => _keeper.Start();

    private async Task<ClientLink> AttachTelemetryAsync(CancellationToken cancellationToken)
    {
        var link = new SendingLink(_telemetry);
        await _channel.AttachAsync(link, new Attach
        {
            Name = $"telemetry-{Guid.NewGuid():N}",
            Handle = 0,
            Role = Role.Sender,
            Source = new Source { Address = AmqpValue.From(DeviceId) },
            Target = new Target { Address = AmqpValue.From(_telemetry.Address) },
        }, cancellationToken).ConfigureAwait(false);
        return link;
    }

    private async Task<MessageLink> AttachCommandsAsync(CancellationToken cancellationToken)
    {
        var address = LinkAddresses.Commands(DeviceId, ModuleId);
        var link = new MessageLink(address, (uint)Math.Max(1, _options.CommandPrefetch));
        await _channel.AttachAsync(link, new Attach
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
        return new HubbubException(cause.Condition, why, _telemetry.Address, cause.TrackingId, cause);
    }
}
