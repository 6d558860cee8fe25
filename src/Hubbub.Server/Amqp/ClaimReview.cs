using Hubbub.Core;
using Hubbub.Server.Amqp.Endpoints;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp;

/// <summary>
/// Looks again at what a connection has proven, when a token ends or an identity changes, and ends exactly the links
/// that nothing permits any more.
/// </summary>
internal static class ClaimReview
{
    /// <summary>What the original says when a token has run out.</summary>
    private const string TokenInvalid = "Token Invalid.";

    public static void Run(HubConnection connection)
    {
        HubError? ended = null;
        for (var i = connection.Claims.Count - 1; i >= 0; i--)
        {
            var slot = connection.Claims.Slots[i];
            if (connection.Services.Authenticator.WhyRevoked(slot.Claim) is not { } reason)
                continue;
            slot.EndedBy = ended = reason;
            connection.Claims.Remove(slot);
            connection.Services.Logger.AmqpClaimEnded(connection.Peer.ConnectionId, reason.Message);
        }
        DetachUncovered(connection);
        // What SASL has proven cannot be proven again, so the connection goes with it.
        if (ended is not null && connection.IsProvenBySasl && connection.Claims.Count == 0)
            connection.Close(Conditions.Of(ended.Code), Describe(ended));
        else
            connection.WatchClaims();
    }

    private static void DetachUncovered(HubConnection connection)
    {
        for (var i = connection.Endpoints.Count - 1; i >= 0; i--)
        {
            var endpoint = connection.Endpoints[i];
            if (WhyNotServed(connection, endpoint) is not { } problem)
                continue;
            var error = AmqpErrors.Error(
                Conditions.Of(problem.Code), Describe(problem), connection.TrackingId());
            endpoint.Link.Detach(error);
            connection.LinkEnded(endpoint, error);
        }
    }

    private static HubError? WhyNotServed(HubConnection connection, LinkEndpoint endpoint)
    {
        if (endpoint.Claim is not { } claim)
            return null;
        if (endpoint.WhyIdentityGone() is { } gone)
            return gone;
        if (claim.EndedBy is not { } reason)
            return null;
        // Another claim of the connection may permit the link as well, or the certificate do so in another way.
        if (LinkAdmission.FindClaim(connection, endpoint, out _) is not { } next)
            return reason;
        endpoint.StandOn(next);
        return null;
    }

    private static string Describe(HubError reason) =>
        reason.Code == HubErrorCode.Unauthorized ? $"{TokenInvalid} {reason.Message}" : reason.Message;
}
