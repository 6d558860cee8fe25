using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Security;
using Hubbub.Server.Amqp.Endpoints;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp;

/// <summary>
/// Decides on every attach: what the address means, whether the peer may use it, and who serves it. Each link is
/// authorised on its own, from what the connection has proven.
/// </summary>
internal static class LinkAdmission
{
    /// <summary>Accepts or refuses a link that the peer has begun.</summary>
    public static void OnAttach(HubConnection connection, AmqpLink link)
    {
        var attach = link.RemoteAttach!;
        var refusal = Examine(connection, link, attach, out var endpoint);
        if (refusal is not null)
        {
            connection.Services.Metrics.LinkRefused();
            // A redirect is how every reader of events begins.
            if (refusal.Condition.Value != ErrorCondition.LinkRedirect && connection.IsRefusalLogged())
            {
                connection.Services.Logger.AmqpLinkRefused(
                    connection.Peer.ConnectionId,
                    AmqpErrors.Shorten(link.Name),
                    AmqpErrors.Shorten(AddressOf(link, attach) ?? ""),
                    refusal.Condition.Value,
                    refusal.Description ?? "");
            }
            link.Refuse(refusal, MessageLimits.TelemetrySizeBytesMax);
            return;
        }
        Accept(connection, link, attach, endpoint!);
    }

    private static AmqpError? Examine(
        HubConnection connection, AmqpLink link, Attach attach, out LinkEndpoint? endpoint)
    {
        endpoint = null;
        if (attach.Unsettled is { Count: > 0 })
            return Refuse(
                connection, HubErrorCode.NotImplemented, "Links cannot be resumed: the unsettled map must be empty.");
        if (attach.Target is Coordinator)
            return Refuse(connection, HubErrorCode.NotImplemented, "Transactions are not supported.");
        if (link.Role == Role.Sender && attach.Source is Source { Dynamic: true }
            || link.Role == Role.Receiver && attach.Target is Target { Dynamic: true })
            return Refuse(connection, HubErrorCode.NotImplemented, "Dynamic nodes are not supported.");
        if (AddressOf(link, attach) is not { } text)
        {
            return AmqpErrors.Error(
                ErrorCondition.InvalidField,
                $"Link '{link.Name}' names no address in its {(link.Role == Role.Sender ? "source" : "target")}.",
                connection.TrackingId());
        }
        if (connection.Claims.Count == 0 && connection.Endpoints.Count >= HubAmqpLimits.LinksMaxUnauthenticated)
        {
            return Refuse(connection, HubErrorCode.Unauthorized,
                $"A connection that has proven nothing may have {HubAmqpLimits.LinksMaxUnauthenticated} links; "
                + "put a token first.");
        }
        var address = LinkAddress.Parse(text, connection.Services.Hub).WithRegisteredId(connection.Services.Registry);
        var outcome = Open(connection, link, attach, address, text);
        endpoint = outcome.Endpoint;
        return outcome.Error;
    }

    private static (LinkEndpoint? Endpoint, AmqpError? Error) Open(
        HubConnection connection, AmqpLink link, Attach attach, in LinkAddress address, string text)
    {
        switch (address.Kind, link)
        {
            case (LinkAddressKind.Cbs, ReceiverLink requests):
                return (new CbsEndpoint(connection, requests), null);
            case (LinkAddressKind.Cbs, SenderLink replies):
                return OpenReplies(connection, replies, RequestNode.Cbs);
            case (LinkAddressKind.Management, ReceiverLink requests):
                return (new ManagementEndpoint(connection, requests), null);
            case (LinkAddressKind.Management, SenderLink replies):
                return OpenReplies(connection, replies, RequestNode.Management);
            case (LinkAddressKind.DeviceEvents, ReceiverLink telemetry):
                return OpenTelemetry(connection, telemetry, attach, address);
            case (LinkAddressKind.DeviceEvents, SenderLink inputs) when address.ModuleId is not null:
                // Module clients of Node, and of Edge, listen there for what is sent to their module.
                return OpenCommandReceiver(connection, inputs, address);
            case (LinkAddressKind.DeviceCommands, SenderLink receiver):
                return OpenCommandReceiver(connection, receiver, address);
            case (LinkAddressKind.CommandWatch, SenderLink watch):
                return OpenCommandWatch(connection, watch, address);
            case (LinkAddressKind.ServiceCommands, ReceiverLink commands):
                return Permitted(connection, new CommandSendEndpoint(connection, commands));
            case (LinkAddressKind.Feedback, SenderLink feedback):
                return Permitted(connection, new FeedbackReceiveEndpoint(connection, feedback));
            case (LinkAddressKind.Feedback, ReceiverLink outcomes):
                return Permitted(connection, new FeedbackSendEndpoint(connection, outcomes));
            case (LinkAddressKind.HubEvents, SenderLink):
                return (null, EventsRedirect.Of(connection, address));
            case (LinkAddressKind.Entity, SenderLink reader):
                return EventStreamAdmission.Open(connection, reader, attach, address);
            case (LinkAddressKind.Entity or LinkAddressKind.HubEvents, ReceiverLink):
                return (null, Refuse(connection, HubErrorCode.Unauthorized,
                    $"Unauthorized access. 'Send' claim(s) are required to send to '{text}': "
                    + "events come from devices only."));
            case (LinkAddressKind.Unknown, _):
                return (null, Refuse(connection, HubErrorCode.AmqpAddressNotFound,
                    $"The link address '{text}' did not match any of the expected formats."));
            default:
                return (null, Unserved(connection, address, text));
        }
    }

    private static (LinkEndpoint? Endpoint, AmqpError? Error) OpenReplies(
        HubConnection connection, SenderLink link, RequestNode node)
    {
        var endpoint = new ReplyEndpoint(connection, link, node);
        endpoint.Begin();
        return (endpoint, null);
    }

    private static (LinkEndpoint? Endpoint, AmqpError? Error) OpenTelemetry(
        HubConnection connection, ReceiverLink link, Attach attach, in LinkAddress address)
    {
        var endpoint = new TelemetryEndpoint(connection, link, address.DeviceId!, address.ModuleId, ModelIdOf(attach));
        if (Authorise(connection, endpoint) is { } refusal)
            return (null, refusal);
        return endpoint.Begin() is { } problem ? (null, problem.ToAmqp(connection.TrackingId())) : (endpoint, null);
    }

    private static (LinkEndpoint? Endpoint, AmqpError? Error) OpenCommandReceiver(
        HubConnection connection, SenderLink link, in LinkAddress address)
    {
        var endpoint = new CommandReceiveEndpoint(
            connection, link, new(address.DeviceId!, address.ModuleId), address.Tail);
        if (Authorise(connection, endpoint) is { } refusal)
            return (null, refusal);
        return endpoint.WhyIdentityGone() is { } problem
            ? (null, problem.ToAmqp(connection.TrackingId()))
            : (endpoint, null);
    }

    private static (LinkEndpoint? Endpoint, AmqpError? Error) OpenCommandWatch(
        HubConnection connection, SenderLink link, in LinkAddress address)
    {
        var endpoint = new CommandWatchEndpoint(connection, link, new(address.DeviceId!, address.ModuleId));
        if (Authorise(connection, endpoint) is { } refusal)
            return (null, refusal);
        return endpoint.Begin() is { } problem ? (null, problem.ToAmqp(connection.TrackingId())) : (endpoint, null);
    }

    private static (LinkEndpoint? Endpoint, AmqpError? Error) Permitted(
        HubConnection connection, LinkEndpoint endpoint) =>
        Authorise(connection, endpoint) is { } refusal ? (null, refusal) : (endpoint, null);

    /// <summary>Finds the claim that permits an endpoint, or says that there is none.</summary>
    public static AmqpError? Authorise(HubConnection connection, LinkEndpoint endpoint)
    {
        if (FindClaim(connection, endpoint, out var refusal) is not { } claim)
            return Unauthorised(connection, refusal);
        endpoint.StandOn(claim);
        return null;
    }

    /// <summary>The claim that permits an endpoint: one of the connection's, or what its certificate proves.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="endpoint">What is to be permitted.</param>
    /// <param name="refusal">Why the certificate proves nothing here; null when there is none.</param>
    public static ClaimSlot? FindClaim(HubConnection connection, LinkEndpoint endpoint, out HubError? refusal)
    {
        refusal = null;
        return connection.Claims.Find(endpoint, static (claim, e) => e.IsPermittedBy(claim))
            ?? (ProveByCertificate(connection, endpoint.DeviceId, endpoint.ModuleId, out refusal)
                ? connection.Claims.Find(endpoint, static (claim, e) => e.IsPermittedBy(claim))
                : null);
    }

    // A peer with a certificate says nowhere who it is but in its links' addresses.
    private static bool ProveByCertificate(
        HubConnection connection, string? deviceId, string? moduleId, out HubError? refusal)
    {
        refusal = null;
        if (deviceId is null || connection.Peer.ClientCertificate is not { } certificate)
            return false;
        var verified = connection.Services.Authenticator.Verify(certificate, deviceId, moduleId);
        if (verified.IsOk)
            return connection.TryAddClaim(verified.Value);
        // Counted, but not slowed: TLS has proven the key, so there is nothing to guess, and what is refused here is a
        // right.
        refusal = verified.Error;
        connection.Services.Metrics.AuthenticationFailed();
        return false;
    }

    // The same text whether the address exists or not, so that nobody learns ids by asking; more only for those whose
    // certificate proves that the id is theirs.
    internal static AmqpError Unauthorised(HubConnection connection, HubError? refusal = null) => refusal switch
    {
        { Code: not HubErrorCode.Unauthorized } => refusal.ToAmqp(connection.TrackingId()),
        _ => Refuse(connection, HubErrorCode.Unauthorized,
            "Unauthorized access: no token of this connection permits the link's address. "
            + (refusal?.Message ?? "Put a token whose resource covers it, signed with a key that has the right.")),
    };

    // The address is known and comes with a later version: the clear answer beats a link that never delivers.
    private static AmqpError Unserved(HubConnection connection, in LinkAddress address, string text)
    {
        if (connection.Claims.Find(address, static (claim, a) => IsPermitted(claim, a)) is null
            && !ProveByCertificate(connection, address.DeviceId, address.ModuleId, out var refusal))
            return Unauthorised(connection, refusal);
        return address.Kind is LinkAddressKind.DeviceEvents or LinkAddressKind.DeviceCommands
                or LinkAddressKind.ServiceCommands or LinkAddressKind.CommandWatch
            ? Refuse(connection, HubErrorCode.AmqpAddressNotFound, $"'{text}' cannot be used in this direction.")
            : Refuse(connection, HubErrorCode.NotImplemented, $"'{text}' is not served by this version of Hubbub.");
    }

    internal static bool IsPermitted(Claim claim, LinkAddress address) => address.Kind switch
    {
        LinkAddressKind.CommandWatch =>
            CommandWatchEndpoint.Permits(claim, new CommandTarget(address.DeviceId!, address.ModuleId)),
        LinkAddressKind.ServiceCommands => claim.AllowsService(AccessRights.ServiceConnect, "messages/devicebound"),
        LinkAddressKind.Feedback => claim.AllowsService(AccessRights.ServiceConnect, "messages/servicebound/feedback"),
        LinkAddressKind.FileNotifications =>
            claim.AllowsService(AccessRights.ServiceConnect, "messages/servicebound/filenotifications"),
        _ => address.DeviceId is { } deviceId && claim.AllowsDevice(deviceId, address.ModuleId, address.Tail),
    };

    private static string? ModelIdOf(Attach attach) =>
        attach.Properties is { } properties && properties.TryGet("com.microsoft:model-id", out var value)
        && value.TryGetString(out var text) && text.Length is > 0 and <= HubAmqpLimits.ModelIdCharsMax
            ? text
            : null;

    private static void Accept(HubConnection connection, AmqpLink link, Attach attach, LinkEndpoint endpoint)
    {
        if (link is ReceiverLink receiver)
            (receiver.MaxMessageSizeBytes, receiver.SettlesAtOnce) = (HubAmqpLimits.MessageSizeBytesMax, true);
        link.Accept(new Attach
        {
            Name = link.Name,
            Handle = 0,
            Role = link.Role,
            Source = attach.Source,
            Target = attach.Target,
            MaxMessageSize = HubAmqpLimits.MessageSizeBytesMax,
            OfferedCapabilities = endpoint.OfferedCapabilities,
            // A popular client walks over the properties without looking whether there are any.
            Properties = attach.Properties
                ?? new AmqpMapBuilder().Add("com.microsoft:tracking-id", connection.TrackingId()).Build(),
        });
        connection.Serve(endpoint);
        endpoint.OnAccepted();
        if (link is ReceiverLink accepted)
            accepted.Grant(endpoint.Credit);
        connection.Wake(endpoint);
    }

    private static string? AddressOf(AmqpLink link, Attach attach)
    {
        var address = link.Role == Role.Sender
            ? (attach.Source as Source)?.Address
            : (attach.Target as Target)?.Address;
        return address is { } value && value.TryGetString(out var text) ? text : null;
    }

    internal static AmqpError Refuse(HubConnection connection, HubErrorCode code, string message) =>
        new HubError(code, message).ToAmqp(connection.TrackingId());
}
