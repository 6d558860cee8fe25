using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Security;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp;

/// <summary>
/// The answer to <c>messages/events...</c> on the hub's own name: events are read at the events entity, whose address
/// keeps the tail that was asked for. Clients take the address apart with patterns that expect this very shape.
/// </summary>
internal static class EventsRedirect
{
    public static AmqpError Of(HubConnection connection, in LinkAddress address)
    {
        var services = connection.Services;
        var path = address.Tail.Trim('/');
        var permitted = connection.Claims.Find(
            (services.Hub.EntityName, path), static (claim, s) => claim.AllowsEntity(s.EntityName, s.path));
        if (permitted is null)
        {
            return LinkAdmission.Refuse(connection, HubErrorCode.Unauthorized,
                "Unauthorized access: reading events needs a token of a policy with ServiceConnect.");
        }
        var asked = connection.Engine.RemoteOpen?.Hostname;
        var host = asked is not null && services.Hub.IsHost(asked) ? asked : services.Hub.HostNames[0];
        var port = services.AmqpsPort;
        // What followed messages/events goes on as it came: one client cuts off a last slash that it sent itself.
        var target = $"amqps://{host}:{port}/{services.Hub.EntityName}{address.Tail}";
        return new AmqpError
        {
            Condition = ErrorCondition.LinkRedirect,
            Description = $"Events are read at {target}.",
            Info = new AmqpMapBuilder()
                .Add("hostname", host)
                .Add("network-host", host)
                .Add("port", port)
                .Add("address", target)
                .Add("com.microsoft:tracking-id", connection.TrackingId())
                .Build(),
        };
    }
}
