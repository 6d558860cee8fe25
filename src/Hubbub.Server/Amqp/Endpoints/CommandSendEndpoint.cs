using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Security;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>messages/devicebound</c>: takes commands from services, each for the device that its property <c>to</c> names,
/// and accepts one when it is on stable storage. A refusal is that message's outcome; the link goes on.
/// </summary>
internal sealed class CommandSendEndpoint : LinkEndpoint
{
    private readonly PendingResults _results;

    public CommandSendEndpoint(HubConnection connection, ReceiverLink link)
        : base(connection, link) => _results = new PendingResults(this);

    public override uint Credit => HubAmqpLimits.CommandCredit;

    public override bool HasInFlight => _results.HasAny;

    public override bool IsPermittedBy(Claim claim) =>
        claim.AllowsService(AccessRights.ServiceConnect, "messages/devicebound");

    public override void OnDelivery(in IncomingDelivery delivery)
    {
        var sending = Read(delivery, out var problem) is { } command
            ? Connection.Services.Commands.SendAsync(command, CancellationToken.None)
            : new ValueTask<HubError?>(problem);
        _results.Add(delivery.Id, delivery.Settled, sending);
    }

    protected override bool Pump(int outputBytesMax)
    {
        var receiver = (ReceiverLink)Link;
        (uint First, uint Last)? accepted = null;
        while (_results.TryTake(out var result))
        {
            if (result.Error is { } error)
                Refuse(receiver, result, error);
            else if (result.WasSettled)
                receiver.Release(1);
            else if (accepted is { } run && result.DeliveryId == unchecked(run.Last + 1))
                accepted = (run.First, result.DeliveryId);
            else
            {
                Accept(receiver, accepted);
                accepted = (result.DeliveryId, result.DeliveryId);
            }
        }
        Accept(receiver, accepted);
        return false;
    }

    private NewCommand? Read(in IncomingDelivery delivery, out HubError? problem)
    {
        problem = null;
        if (delivery.MessageFormat != MessageFormats.Amqp)
        {
            problem = new HubError(
                HubErrorCode.NotImplemented,
                $"Message format 0x{delivery.MessageFormat:x} is not supported for commands.");
            return null;
        }
        if (!MessageSections.TryRead(delivery.Payload, SectionOrder.Lenient, out var sections, out var malformed))
        {
            problem = new HubError(HubErrorCode.FormatError, malformed.Text);
            return null;
        }
        var command = CommandMessage.Read(sections, Connection.Services.Hub, Connection.Services.Registry);
        problem = command.Error;
        return command.IsOk ? command.Value : null;
    }

    private static void Accept(ReceiverLink receiver, (uint First, uint Last)? run)
    {
        if (run is { } ids)
            receiver.Settle(ids.First, ids.Last, Accepted.Instance);
    }

    private void Refuse(ReceiverLink receiver, in PendingResults.Result result, HubError error)
    {
        var trackingId = Connection.TrackingId();
        var refusal = error.ToAmqp(trackingId);
        if (Connection.IsRefusalLogged())
        {
            Connection.Services.Logger.AmqpCommandRejected(
                Connection.Peer.ConnectionId, refusal.Condition.Value, error.Message, trackingId);
        }
        if (result.WasSettled)
            receiver.Release(1);
        else
            receiver.Settle(result.DeliveryId, result.DeliveryId, new Rejected { Error = refusal });
    }
}
