using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>devices/{d}[/modules/{m}]/commands</c>: tells a service what happens to the commands of an identity, as it
/// happens. Nothing is stored and nothing waits for it: a watcher that does not take its messages loses the oldest.
/// </summary>
internal sealed class CommandWatchEndpoint : LinkEndpoint, ICommandWatcher
{
    private readonly CommandTarget _target;
    private readonly string? _generationId;
    private readonly Lock _gate = new();
    private readonly Queue<CommandEvent> _happened = new();
    private bool _stopped;

    public CommandWatchEndpoint(HubConnection connection, SenderLink link, CommandTarget target)
        : base(connection, link)
    {
        _target = target;
        _generationId = GenerationNow;
    }

    public override string? DeviceId => _target.DeviceId;

    public override bool IsPermittedBy(Claim claim) => Permits(claim, _target);

    public static bool Permits(Claim claim, CommandTarget target) => claim.AllowsService(
        AccessRights.ServiceConnect,
        target.ModuleId is null
            ? $"devices/{target.DeviceId}/commands"
            : $"devices/{target.DeviceId}/modules/{target.ModuleId}/commands");

    /// <summary>Takes up the work once the link is authorised.</summary>
    /// <returns>Null, or why there is nothing to watch.</returns>
    public HubError? Begin() => WhyIdentityGone() ?? Commands.Watches.Add(_target, this);

    public override HubError? WhyIdentityGone() =>
        _generationId is not null && GenerationNow == _generationId
            ? null
            : new HubError(
                _target.ModuleId is null ? HubErrorCode.DeviceNotFound : HubErrorCode.ModuleNotFound,
                $"The {_target} is not registered, or not the one any more that it was.");

    public override void OnStopped()
    {
        Commands.Watches.Remove(_target, this);
        lock (_gate)
        {
            _stopped = true;
            _happened.Clear();
        }
    }

    public void OnCommandChanged(in CommandEvent happened)
    {
        lock (_gate)
        {
            if (_stopped)
                return;
            if (_happened.Count == CommandLimits.WatchedEventsMax)
            {
                _happened.Dequeue();
                Commands.Counters.OnWatchedDropped();
            }
            _happened.Enqueue(happened);
        }
        Connection.Wake(this);
    }

    protected override bool Pump(int outputBytesMax)
    {
        var sender = (SenderLink)Link;
        while (sender.CanSend)
        {
            if (Connection.Engine.Output.Length >= outputBytesMax)
                return true;
            if (!TryTake(out var happened))
                break;
            Send(sender, happened);
        }
        sender.Drained();
        return false;
    }

    private string? GenerationNow => Connection.Services.Registry.GenerationOf(_target.DeviceId, _target.ModuleId);

    private CommandQueues Commands => Connection.Services.Commands;

    private bool TryTake(out CommandEvent happened)
    {
        lock (_gate)
            return _happened.TryDequeue(out happened);
    }

    private void Send(SenderLink sender, in CommandEvent happened)
    {
        // The sequence number alone would not do: a command changes more than once.
        Span<byte> tag = stackalloc byte[16];
        Guid.NewGuid().TryWriteBytes(tag);
        var start = sender.BeginMessage(tag, 0, settled: true);
        var happenedAt = DateTimeOffset.FromUnixTimeMilliseconds(happened.HappenedMs);
        new OutgoingMessage
        {
            Properties = new Properties
            {
                MessageId = happened.MessageId is { } id ? AmqpValue.From(id) : null,
                CreationTime = happenedAt,
            },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("iothub-command", NameOf(happened.Change))
                .Add("iothub-sequence-number", happened.SequenceNumber)
                .Add("iothub-deliverycount", happened.DeliveryCount)
                .Add("iothub-time", happenedAt)
                .Build(),
        }.Write(Connection.Engine.Output);
        sender.EndMessage(start);
    }

    private static string NameOf(CommandChange change) => change switch
    {
        CommandChange.Enqueued => "enqueued",
        CommandChange.Delivered => "delivered",
        CommandChange.Returned => "returned",
        CommandChange.Completed => "completed",
        CommandChange.Rejected => "rejected",
        CommandChange.Expired => "expired",
        CommandChange.DeliveryCountExceeded => "delivery-count-exceeded",
        _ => "purged",
    };
}
