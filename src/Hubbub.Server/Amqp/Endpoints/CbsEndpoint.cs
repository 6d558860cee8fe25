using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>$cbs</c>: takes tokens (put-token). A token is verified in full before it is answered; what it permits comes from
/// its own resource and signature, never from the name in the request.
/// </summary>
internal sealed class CbsEndpoint(HubConnection connection, ReceiverLink link) : LinkEndpoint(connection, link)
{
    private const string SharedAccessSignature = "SharedAccessSignature";

    public override uint Credit => HubAmqpLimits.RequestCredit;

    public override void OnDelivery(in IncomingDelivery delivery)
    {
        var receiver = (ReceiverLink)Link;
        if (!NodeRequest.TryRead(delivery, out var request, out var problem))
        {
            Answer(
                receiver, delivery,
                new Rejected { Error = AmqpErrors.Error(problem.Condition, problem.Text, Connection.TrackingId()) });
            Connection.Services.Metrics.AuthenticationFailed();
            Refused("", problem.Text);
            return;
        }
        // A popular client takes a reply that comes before the settlement of its request for a failure.
        Answer(receiver, delivery, Accepted.Instance);
        var error = PutToken(request, out var isRefused, out var holder);
        if (error is null)
        {
            ReplyEndpoint.Reply(Connection, Link.Session, RequestNode.Cbs, request, request.Reply(200, "OK"));
            Connection.TokenAccepted();
            return;
        }
        var refusal = request.Reply(
            AmqpErrors.StatusOf(error.Code), error.Message, condition: Conditions.Of(error.Code));
        // A token that is right and one too many is no guess: whoever is right never waits.
        if (isRefused)
            ReplyEndpoint.ReplyToFailure(Connection, Link.Session, RequestNode.Cbs, request, refusal, holder);
        else
            ReplyEndpoint.Reply(Connection, Link.Session, RequestNode.Cbs, request, refusal);
        Refused(request.Text("name") ?? "", error.Message);
    }

    private void Refused(string name, string reason)
    {
        Connection.Services.Logger.AmqpTokenRefused(
            Connection.Peer.ConnectionId, AmqpErrors.Shorten(name), AmqpErrors.Shorten(reason));
        Connection.TokenRefused();
    }

    private static void Answer(ReceiverLink receiver, in IncomingDelivery delivery, DeliveryState state)
    {
        if (delivery.Settled)
            receiver.Release(1);
        else
            receiver.Settle(delivery.Id, delivery.Id, state);
    }

    private HubError? PutToken(in NodeRequest request, out bool isRefused, out string? holder)
    {
        (isRefused, holder) = (true, null);
        if (!string.Equals(request.Text("operation"), "put-token", StringComparison.OrdinalIgnoreCase))
            return Malformed($"the operation '{request.Text("operation")}' is not put-token");
        if (string.IsNullOrEmpty(request.Text("type")))
            return Malformed("the type is missing");
        if (string.IsNullOrEmpty(request.Text("name")))
            return Malformed("the name (audience) is missing");
        if (request.Sections.Value is not { } value || !value.Undescribed().TryGetString(out var token)
            || token.Length == 0)
            return Malformed("the body is not an amqp-value with the token as a string");
        // The type says jwt for what is a signature in a client that is still around, so the token itself decides.
        if (!token.StartsWith(SharedAccessSignature, StringComparison.OrdinalIgnoreCase))
        {
            return new HubError(HubErrorCode.Unauthorized,
                $"Only {SharedAccessSignature} tokens are accepted, not those of type '{request.Text("type")}'.");
        }
        var verified = Connection.Services.Authenticator.Verify(token);
        if (!verified.IsOk)
        {
            holder = Connection.Services.Authenticator.HolderOf(token);
            return verified.Error;
        }
        isRefused = false;
        return Connection.TryAddClaim(verified.Value)
            ? null
            : new HubError(HubErrorCode.MaxCbsTokenExceeded,
                $"The connection holds {HubAmqpLimits.ClaimsMax} tokens, the maximum; open another one.");
    }

    private static HubError Malformed(string why) =>
        new(HubErrorCode.ArgumentInvalid, $"The put-token request is malformed: {why}.");
}
