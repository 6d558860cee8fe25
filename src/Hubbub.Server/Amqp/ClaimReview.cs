using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Security;
using Hubbub.Server.Amqp.Endpoints;

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
        var services = connection.Services;
        HubError? lastReason = null;
        for (var i = connection.Claims.Count - 1; i >= 0; i--)
        {
            var slot = connection.Claims.Slots[i];
            if (services.Authenticator.WhyRevoked(slot.Claim) is not { } reason)
                continue;
            lastReason = reason;
            connection.Claims.Remove(slot);
            services.Logger.AmqpClaimEnded(connection.Peer.ConnectionId, reason.Message);
        }
        // A SASL PLAIN credential cannot be renewed, so the connection goes with it.
        if (lastReason is not null && connection.IsPlain && connection.Claims.Count == 0)
        {
            DetachUncovered(connection, lastReason);
            connection.Close(AmqpErrors.ConditionOf(lastReason.Code), Describe(lastReason));
            return;
        }
        DetachUncovered(connection, lastReason);
        connection.ClaimsReviewed();
    }

    private static void DetachUncovered(HubConnection connection, HubError? reason)
    {
        for (var i = connection.Endpoints.Count - 1; i >= 0; i--)
        {
            var endpoint = connection.Endpoints[i];
            var problem = WhyNotServed(connection, endpoint, reason);
            if (problem is null)
                continue;
            var error = AmqpErrors.Error(
                AmqpErrors.ConditionOf(problem.Code), Describe(problem), connection.TrackingId());
            endpoint.Link.Detach(error);
            connection.LinkEnded(endpoint, error);
        }
    }

    private static HubError? WhyNotServed(HubConnection connection, LinkEndpoint endpoint, HubError? reason)
    {
        if (endpoint.Claim is null)
            return null;
        if (endpoint.DeviceId is { } deviceId)
        {
            var device = connection.Services.Registry.FindDevice(deviceId);
            if (device is null)
                return new HubError(HubErrorCode.DeviceNotFound, $"Device Not Found ErrorCode:DeviceNotFound; {deviceId}");
            if (!device.IsEnabled)
                return new HubError(HubErrorCode.Unauthorized, $"Device '{deviceId}' is disabled.");
        }
        if (Holds(connection, endpoint.Claim))
            return null;
        // Another claim of the connection may permit the link as well.
        endpoint.Claim = connection.Claims.Find(endpoint, static (claim, e) => e.IsPermittedBy(claim));
        return endpoint.Claim is null
            ? reason ?? new HubError(HubErrorCode.Unauthorized, TokenInvalid)
            : null;
    }

    private static bool Holds(HubConnection connection, ClaimSlot slot)
    {
        foreach (var held in connection.Claims.Slots)
        {
            if (held == slot)
                return true;
        }
        return false;
    }

    private static string Describe(HubError reason) =>
        reason.Code == HubErrorCode.Unauthorized ? $"{TokenInvalid} {reason.Message}" : reason.Message;
}
