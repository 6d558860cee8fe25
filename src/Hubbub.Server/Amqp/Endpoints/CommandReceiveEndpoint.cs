using System.Collections.Concurrent;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>devices/{d}[/modules/{m}]/messages/devicebound</c>: gives a device its commands, as many as it grants credit
/// for, and takes its outcomes. The delivery-tag is the lock token.
/// </summary>
internal sealed class CommandReceiveEndpoint : LinkEndpoint, ICommandReceiver
{
    private readonly CommandTarget _target;
    private readonly string _path;
    private readonly PendingResults _results;
    private readonly LockedDeliveries _locked;
    private readonly ConcurrentQueue<LockedCommand> _arrived = new();
    private DevicePresence.Connection? _presence;
    private volatile bool _isLoading;
    private readonly string? _generationId;
    private bool _stopped;

    /// <param name="connection">The connection.</param>
    /// <param name="link">The link that commands are sent on.</param>
    /// <param name="target">Whose commands.</param>
    /// <param name="path">The address below the identity, which the receiver must be permitted to use.</param>
    public CommandReceiveEndpoint(HubConnection connection, SenderLink link, CommandTarget target, string path)
        : base(connection, link)
    {
        (_target, _path) = (target, path);
        _results = new PendingResults(this);
        _locked = new LockedDeliveries(connection);
        _generationId = GenerationNow;
    }

    public override string? DeviceId => _target.DeviceId;

    public override string? ModuleId => _target.ModuleId;

    public override bool HasInFlight => _results.HasAny;

    public override bool IsPermittedBy(Claim claim) =>
        claim.AllowsDevice(_target.DeviceId, _target.ModuleId, _path);

    public override HubError? WhyIdentityGone()
    {
        var device = Connection.Services.Registry.FindDevice(_target.DeviceId);
        if (device is null)
        {
            return new HubError(
                HubErrorCode.DeviceNotFound, $"Device Not Found ErrorCode:DeviceNotFound; {_target.DeviceId}");
        }
        if (!device.IsEnabled)
            return new HubError(HubErrorCode.Unauthorized, $"Device '{_target.DeviceId}' is disabled.");
        if (GenerationNow is not { } generationId)
            return new HubError(HubErrorCode.ModuleNotFound, $"The {_target} is not registered.");
        return generationId == _generationId
            ? null
            : new HubError(HubErrorCode.Unauthorized, $"The {_target} was registered anew.");
    }

    public override void OnAccepted()
    {
        _presence = Connection.Services.Presence.Connect(_target.DeviceId, _target.ModuleId);
        Delivery.Attach(_target, this);
    }

    public override void OnStopped()
    {
        _stopped = true;
        Delivery.Detach(_target, this);
        _presence?.Dispose();
    }

    public void OnCommandsReady() => Connection.Wake(this);

    public void OnDisplaced(HubError reason)
    {
        // For the loser of a race for the device the original says internal-error, and clients connect again after it.
        var condition = reason.Code == HubErrorCode.LinkCreationConflict
            ? ErrorCondition.InternalError
            : Conditions.Of(reason.Code);
        Displace(AmqpErrors.Error(condition, reason.Message, Connection.TrackingId()));
    }

    public override void OnUpdated(in AmqpEvent e)
    {
        if (DispositionOf(e.State, e.RemoteSettled) is not { } disposition)
            return;
        _presence?.Touch();
        var delivery = (LockedDelivery)e.Token!;
        _locked.Remove(delivery);
        var settling = Delivery.SettleAsync(_target, delivery.LockToken, disposition, CancellationToken.None);
        // A device that has settled wants no answer; one that has not waits for it (rcv-settle-mode second).
        _results.Add(e.Delivery.Id, e.RemoteSettled, settling);
    }

    /// <summary>What an outcome means; null when it is none yet.</summary>
    internal static CommandDisposition? DispositionOf(DeliveryState? state, bool isSettled) => state switch
    {
        Accepted => CommandDisposition.Complete,
        Rejected => CommandDisposition.Reject,
        // All the SDKs abandon by it.
        Released => CommandDisposition.Abandon,
        Modified { UndeliverableHere: true } => CommandDisposition.Reject,
        Modified { DeliveryFailed: true } => CommandDisposition.Abandon,
        Modified => CommandDisposition.Release,
        // Settled without a word: counted, so that it cannot go round for ever.
        _ => isSettled ? CommandDisposition.Abandon : null,
    };

    protected override bool Pump(int outputBytesMax)
    {
        if (_stopped)
            return false;
        var sender = (SenderLink)Link;
        while (_results.TryTake(out var result))
            Answer(sender, result);
        _locked.SettleOverdue(sender);
        while (sender.CanSend)
        {
            if (Connection.Engine.Output.Length >= outputBytesMax)
                return true;
            if (_arrived.TryDequeue(out var command))
                Send(sender, command);
            else if (_isLoading || !TryReceive((int)Math.Min(sender.Credit, CommandLimits.ReceiveMax)))
                break;
        }
        if (!_isLoading && _arrived.IsEmpty)
            sender.Drained();
        return false;
    }

    private string? GenerationNow => Connection.Services.Registry.GenerationOf(_target.DeviceId, _target.ModuleId);

    private ICommandDelivery Delivery => Connection.Services.CommandDelivery;

    /// <summary>Asks for commands; true when they are there already.</summary>
    private bool TryReceive(int countMax)
    {
        var receiving = Delivery.ReceiveAsync(_target, this, countMax, CancellationToken.None);
        if (!receiving.IsCompletedSuccessfully)
        {
            _isLoading = true;
            _ = WhenLoadedAsync(receiving);
            return false;
        }
        foreach (var command in receiving.Result)
            _arrived.Enqueue(command);
        return !_arrived.IsEmpty;
    }

    // Never faults; what was locked and not loaded comes back with the end of its lock.
    private async Task WhenLoadedAsync(ValueTask<IReadOnlyList<LockedCommand>> receiving)
    {
        try
        {
            foreach (var command in await receiving.ConfigureAwait(false))
                _arrived.Enqueue(command);
        }
#pragma warning disable CA1031 // As for results.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Connection.Services.Logger.AmqpOperationFailed(Connection.Peer.ConnectionId, e);
        }
        _isLoading = false;
        Connection.Wake(this);
    }

    private void Send(SenderLink sender, LockedCommand command)
    {
        // It may have waited for the window longer than its lock; then the queue gives it out anew.
        if (command.LockedUntil <= Connection.Services.Time.GetUtcNow())
            return;
        var start = LockedDeliveries.BeginMessage(sender, command.LockToken);
        CommandMessage.Write(Connection.Engine.Output, command);
        _locked.EndMessage(sender, start, command.LockToken, command.LockedUntil);
        if (LockedDeliveries.IsSettledBySending(sender))
        {
            var settling = Delivery.SettleAsync(
                _target, command.LockToken, CommandDisposition.Complete, CancellationToken.None);
            _results.Add(0, wasSettled: true, settling);
        }
    }

    // The answer is accepted whatever the device asked for: it says that the request was done.
    private void Answer(SenderLink sender, in PendingResults.Result result)
    {
        if (result.WasSettled)
            return;
        sender.Settle(result.DeliveryId, result.Error is { } error
            ? new Rejected { Error = error.ToAmqp(Connection.TrackingId()) }
            : Accepted.Instance);
    }
}
