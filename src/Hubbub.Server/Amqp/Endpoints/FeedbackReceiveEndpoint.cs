using System.Text;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Commands;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>messages/servicebound/feedback</c>, the receiving end: tells a service what became of commands. Several share
/// the hub's one queue.
/// </summary>
internal sealed class FeedbackReceiveEndpoint : LinkEndpoint, IFeedbackReceiver
{
    private readonly PendingResults _results;
    private readonly LockedDeliveries _locked;
    private readonly byte[] _hubName;
    private bool _stopped;

    public FeedbackReceiveEndpoint(HubConnection connection, SenderLink link)
        : base(connection, link)
    {
        _results = new PendingResults(this);
        _locked = new LockedDeliveries(connection);
        _hubName = Encoding.UTF8.GetBytes(connection.Services.Hub.Name);
    }

    public override bool HasInFlight => _results.HasAny;

    public override bool IsPermittedBy(Claim claim) =>
        claim.AllowsService(AccessRights.ServiceConnect, "messages/servicebound/feedback");

    public override void OnAccepted() => Feedback.Attach(this);

    public override void OnStopped()
    {
        _stopped = true;
        Feedback.Detach(this);
    }

    public void OnFeedbackReady() => Connection.Wake(this);

    public override void OnUpdated(in AmqpEvent e)
    {
        if (CommandReceiveEndpoint.DispositionOf(e.State, e.RemoteSettled) is not { } disposition)
            return;
        var delivery = (LockedDelivery)e.Token!;
        _locked.Remove(delivery);
        var settling = Feedback.SettleAsync(delivery.LockToken, disposition, CancellationToken.None);
        _results.Add(e.Delivery.Id, e.RemoteSettled, settling);
    }

    protected override bool Pump(int outputBytesMax)
    {
        if (_stopped)
            return false;
        var sender = (SenderLink)Link;
        while (_results.TryTake(out var result))
        {
            if (!result.WasSettled)
            {
                sender.Settle(result.DeliveryId, result.Error is { } error
                    ? new Rejected { Error = error.ToAmqp(Connection.TrackingId()) }
                    : Accepted.Instance);
            }
        }
        _locked.SettleOverdue(sender);
        while (sender.CanSend)
        {
            if (Connection.Engine.Output.Length >= outputBytesMax)
                return true;
            if (Feedback.TryReceive(this) is not { } message)
                break;
            Send(sender, message);
        }
        sender.Drained();
        return false;
    }

    private FeedbackQueue Feedback => Connection.Services.Commands.Feedback;

    private void Send(SenderLink sender, FeedbackMessage message)
    {
        var start = LockedDeliveries.BeginMessage(sender, message.LockToken);
        FeedbackBody.Write(message, _hubName).Write(Connection.Engine.Output);
        _locked.EndMessage(sender, start, message.LockToken, message.LockedUntil);
        if (LockedDeliveries.IsSettledBySending(sender))
        {
            var settling = Feedback.SettleAsync(message.LockToken, CommandDisposition.Complete, CancellationToken.None);
            _results.Add(0, wasSettled: true, settling);
        }
    }
}
