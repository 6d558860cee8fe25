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
    private const int LockTokenBytes = 16;
    private readonly PendingResults _results;
    private readonly byte[] _hubName;
    private bool _stopped;

    public FeedbackReceiveEndpoint(HubConnection connection, SenderLink link)
        : base(connection, link)
    {
        _results = new PendingResults(this);
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
        var message = (FeedbackMessage)e.Token!;
        var settling = Feedback.SettleAsync(message.LockToken, disposition, CancellationToken.None);
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
        Span<byte> tag = stackalloc byte[LockTokenBytes];
        message.LockToken.TryWriteBytes(tag);
        var settled = sender.SenderSettleMode == SenderSettleMode.Settled;
        var start = sender.BeginMessage(tag, 0, settled);
        FeedbackBody.Write(message, _hubName).Write(Connection.Engine.Output);
        sender.EndMessage(start, message);
        if (settled)
        {
            var settling = Feedback.SettleAsync(message.LockToken, CommandDisposition.Complete, CancellationToken.None);
            _results.Add(0, wasSettled: true, settling);
        }
    }
}
