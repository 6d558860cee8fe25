using System.Runtime.CompilerServices;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client;

/// <summary>
/// A service at an IoT hub: sends commands to devices and modules, and learns what became of them. Safe for concurrent
/// use. The connection is made by the first call.
/// </summary>
public sealed class ServiceClient : IAsyncDisposable
{
    private readonly ServiceClientOptions _options;
    private readonly ConnectionStateSignal _states;
    private readonly HubChannel _channel;
    private readonly SendQueue _commands;
    private readonly LinkKeeper _keeper;
    private readonly FeedbackWaits _feedback;

    private ServiceClient(ConnectionString to, ServiceClientOptions options)
    {
        _options = options;
        _states = new ConnectionStateSignal(this);
        _channel = new HubChannel(to, options, _states);
        var onLinkLoss = options.UnacknowledgedSends == UnacknowledgedSends.Fail ? LinkLoss.Fail : LinkLoss.Resend;
        _commands = new SendQueue(LinkAddresses.CommandSender, options.SendWindow, options, onLinkLoss, Keep)
        {
            Trouble = () => _channel.LastFailure,
        };
        _keeper = new LinkKeeper(_commands.Address, options, AttachSenderAsync, _commands.GiveUp)
        {
            Trouble = () => _channel.LastFailure,
        };
        _feedback = new FeedbackWaits(c => OpenFeedbackAsync(ClientLimits.FeedbackHeldMax, c));
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

    /// <summary>A client for the hub that the connection string names.</summary>
    /// <exception cref="FormatException">It is no connection string of a service.</exception>
    public static ServiceClient CreateFromConnectionString(
        string connectionString, ServiceClientOptions? options = null) =>
        Create(ConnectionString.Parse(connectionString), options);

    /// <summary>A client for the hub that the connection string names.</summary>
    /// <exception cref="FormatException">It is no connection string of a service.</exception>
    public static ServiceClient Create(ConnectionString connectionString, ServiceClientOptions? options = null)
    {
        if (connectionString.Kind != ConnectionStringKind.Service)
            throw new FormatException("The connection string is no service's: SharedAccessKeyName without DeviceId.");
        return new ServiceClient(connectionString, options ?? new ServiceClientOptions());
    }

    /// <summary>Connects, if that has not been done; otherwise the first call does it.</summary>
    /// <exception cref="HubbubException">Unreachable, untrusted or refused.</exception>
    public Task OpenAsync(CancellationToken cancellationToken = default) => _channel.OpenAsync(cancellationToken);

    /// <summary>Sends a command to a device; completes when the hub has it on stable storage.</summary>
    /// <exception cref="HubbubException">Not accepted: no such device, its queue is full, too large...</exception>
    public ValueTask SendAsync(
        string deviceId, CommandMessage command, CancellationToken cancellationToken = default) =>
        SendAsync(deviceId, null, command, cancellationToken);

    /// <summary>Sends a command to a module of a device, or to the device itself when it is null.</summary>
    /// <exception cref="HubbubException">Not accepted: no such module, its queue is full, too large...</exception>
    public ValueTask SendAsync(
        string deviceId, string? moduleId, CommandMessage command, CancellationToken cancellationToken = default)
    {
        var to = LinkAddresses.Commands(deviceId, moduleId);
        return Tracing.IsOn
            ? Tracing.SendAsync(
                _commands,
                activity => new AddressedCommand(command, to, activity),
                1,
                _options.TimeProvider,
                cancellationToken)
            : _commands.SendAsync(new AddressedCommand(command, to, null), cancellationToken);
    }

    /// <summary>
    /// Receives feedback, a record at a time, until it is cancelled. The receivers of a hub share it: each record goes
    /// to one of them. A message of records is completed when the next record after its last is asked for, so that
    /// nothing is lost; whoever stops in the middle gives the whole message back, and when the link is lost it comes
    /// again.
    /// </summary>
    /// <exception cref="HubbubException">Unreachable, refused, or the link has ended.</exception>
    public async IAsyncEnumerable<CommandFeedback> ReceiveFeedbackAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var receiver = await OpenFeedbackAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var batch = await receiver.ReceiveAsync(cancellationToken).ConfigureAwait(false);
            foreach (var record in batch.Records)
                yield return record;
            try
            {
                await batch.CompleteAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (HubbubException e) when (_options.Reconnect.IsEnabled
                && (e.Condition == HubbubCondition.MessageLockLost || e.MayHeal(wasThere: true)))
            {
                // Its lock went with its link, or took too long: it comes again.
            }
        }
    }

    /// <summary>
    /// Opens a receiver of feedback, for those who settle its messages themselves;
    /// <see cref="ReceiveFeedbackAsync"/> is the simple way.
    /// </summary>
    /// <exception cref="HubbubException">Unreachable, or refused.</exception>
    public Task<FeedbackReceiver> OpenFeedbackAsync(CancellationToken cancellationToken = default) =>
        OpenFeedbackAsync(ClientLimits.FeedbackCredit, cancellationToken);

    /// <summary>
    /// Waits for the feedback on one command, by its message-id; it must have been sent with an
    /// <see cref="CommandMessage.Acknowledgement"/>. Any number of waits share one link. Receivers of feedback compete:
    /// a message with a record that nobody here waits for is held while anybody waits, and then given back as it was.
    /// </summary>
    /// <exception cref="HubbubException">Unreachable, refused, the link has ended, or too much came that is for
    /// others.</exception>
    public Task<CommandFeedback> WaitForFeedbackAsync(
        string messageId, CancellationToken cancellationToken = default) =>
        _feedback.WaitAsync(messageId, cancellationToken);

    /// <summary>
    /// Watches the commands of a device or module: every change from the moment on at which this completes. A service
    /// of Hubbub's; other hubs refuse it.
    /// </summary>
    /// <exception cref="HubbubException">Unreachable, or refused.</exception>
    public async Task<CommandWatch> WatchCommandsAsync(
        string deviceId, string? moduleId = null, CancellationToken cancellationToken = default)
    {
        var address = LinkAddresses.CommandChanges(deviceId, moduleId);
        var link = new MessageLink(address, ClientLimits.CommandChangesCredit) { ComesBack = false };
        await AttachReceiverAsync(link, SenderSettleMode.Settled, ReceiverSettleMode.First, cancellationToken)
            .ConfigureAwait(false);
        return new CommandWatch(link);
    }

    /// <summary>Closes the connection. What is under way fails.</summary>
    /// <exception cref="OperationCanceledException">Nobody waits any more; it goes on by itself.</exception>
    public Task CloseAsync(CancellationToken cancellationToken = default) =>
        DisposeAsync().AsTask().WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _keeper.StopAsync().ConfigureAwait(false);
        _commands.Close(HubbubException.Closed(_commands.Address));
        await _channel.CloseAsync().ConfigureAwait(false);
    }

    private void Keep() => _keeper.Start();

    private async Task<FeedbackReceiver> OpenFeedbackAsync(uint credit, CancellationToken cancellationToken)
    {
        var reader = new MessageReader(_options, c => AttachReceiverAsync(
            new MessageLink(LinkAddresses.Feedback, credit), SenderSettleMode.Unsettled, ReceiverSettleMode.Second, c));
        await reader.OpenAsync(cancellationToken).ConfigureAwait(false);
        return new FeedbackReceiver(reader);
    }

    private async Task<MessageLink> AttachReceiverAsync(
        MessageLink link, SenderSettleMode sender, ReceiverSettleMode receiver, CancellationToken cancellationToken)
    {
        await _channel.AttachAsync(link, new Attach
        {
            Name = $"{link.Address}-{Guid.NewGuid():N}",
            Handle = 0,
            Role = Role.Receiver,
            SndSettleMode = sender,
            RcvSettleMode = receiver,
            Source = new Source { Address = AmqpValue.From(link.Address) },
            Target = new Target { Address = AmqpValue.From("hubbub-client") },
        }, cancellationToken).ConfigureAwait(false);
        return link;
    }

    private async Task<ClientLink> AttachSenderAsync(CancellationToken cancellationToken)
    {
        var link = new SendingLink(_commands);
        await _channel.AttachAsync(link, new Attach
        {
            Name = $"commands-{Guid.NewGuid():N}",
            Handle = 0,
            Role = Role.Sender,
            Source = new Source { Address = AmqpValue.From("hubbub-client") },
            Target = new Target { Address = AmqpValue.From(LinkAddresses.CommandSender) },
        }, cancellationToken).ConfigureAwait(false);
        return link;
    }
}
