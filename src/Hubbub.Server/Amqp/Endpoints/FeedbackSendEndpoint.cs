using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Security;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>messages/servicebound/feedback</c>, the sending end, for devices: a message settles the command of the device
/// that its correlation-id names, with the outcome of its application property <c>iothub-outcome</c>.
/// </summary>
internal sealed class FeedbackSendEndpoint : LinkEndpoint
{
    private const string OutcomeProperty = "iothub-outcome";
    private readonly PendingResults _results;

    public FeedbackSendEndpoint(HubConnection connection, ReceiverLink link)
        : base(connection, link) => _results = new PendingResults(this);

    public override uint Credit => HubAmqpLimits.CommandCredit;

    public override bool HasInFlight => _results.HasAny;

    public override bool IsPermittedBy(Claim claim) => Permits(claim);

    public override void OnDelivery(in IncomingDelivery delivery)
    {
        var settling = TryRead(delivery, out var messageId, out var disposition, out var problem)
            ? SettleAsync(messageId, disposition)
            : new ValueTask<HubError?>(problem);
        _results.Add(delivery.Id, delivery.Settled, settling);
    }

    protected override bool Pump(int outputBytesMax)
    {
        var receiver = (ReceiverLink)Link;
        while (_results.TryTake(out var result))
        {
            if (result.WasSettled)
                receiver.Release(1);
            else
            {
                receiver.Settle(result.DeliveryId, result.DeliveryId, result.Error is { } error
                    ? new Rejected { Error = error.ToAmqp(Connection.TrackingId()) }
                    : Accepted.Instance);
            }
        }
        return false;
    }

    // Only a device's (module's) own credential says which device it is.
    private static bool Permits(Claim claim) =>
        claim.DeviceId is { } deviceId
        && claim.AllowsDevice(deviceId, claim.ModuleId, "messages/servicebound/feedback");

    // A connection may have proven many devices; the command is looked for among the queues of all of them.
    private async ValueTask<HubError?> SettleAsync(string messageId, CommandDisposition disposition)
    {
        var targets = new List<CommandTarget>();
        foreach (var slot in Connection.Claims.Slots)
        {
            if (Permits(slot.Claim))
                targets.Add(new CommandTarget(slot.Claim.DeviceId!, slot.Claim.ModuleId));
        }
        HubError? error = null;
        foreach (var target in targets)
        {
            error = await Connection.Services.CommandDelivery
                .SettleByMessageIdAsync(target, messageId, disposition, CancellationToken.None).ConfigureAwait(false);
            if (error?.Code != HubErrorCode.DeviceMessageLockLost)
                break;
        }
        return error;
    }

    private static bool TryRead(
        in IncomingDelivery delivery, out string messageId, out CommandDisposition disposition, out HubError? problem)
    {
        (messageId, disposition) = ("", default);
        if (delivery.MessageFormat != MessageFormats.Amqp
            || !MessageSections.TryRead(delivery.Payload, SectionOrder.Lenient, out var sections, out _))
        {
            problem = new HubError(HubErrorCode.FormatError, "The message cannot be decoded.");
            return false;
        }
        problem = new HubError(
            HubErrorCode.ArgumentInvalid,
            "A device's feedback names a command by its correlation-id, and accepted, rejected or released by "
            + $"{OutcomeProperty}.");
        if (CommandMessage.IdText(sections.ReadProperties()?.CorrelationId) is not { Length: > 0 } correlationId
            || sections.ApplicationProperties is not { } application
            || !application.TryGet(OutcomeProperty, out var value)
            || !value.TryGetString(out var outcome, orSymbol: true))
            return false;
        messageId = correlationId;
        switch (outcome.ToLowerInvariant())
        {
            case "accepted":
                disposition = CommandDisposition.Complete;
                return true;
            case "rejected":
                disposition = CommandDisposition.Reject;
                return true;
            case "released":
                disposition = CommandDisposition.Abandon;
                return true;
            default:
                return false;
        }
    }
}
