using Hubbub.Server.Amqp;
using Hubbub.Server.Http;
using Hubbub.Server.Routing;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>What each protocol stands on, taken from the domain that is open.</summary>
internal static class HubServices
{
    public static AmqpServices ToAmqp(
        this HubCore core, HubRouting routing, HubMetrics metrics, TimeProvider time, ILogger logger,
        int amqpsPort) => new()
        {
            Hub = core.Hub,
            Registry = core.Registry,
            Authenticator = core.Authenticator,
            Policies = core.Policies,
            Authorities = core.Authorities,
            Failures = core.Failures,
            Presence = core.Presence,
            Events = core.Events,
            Entities = routing.Entities,
            Router = routing.Router,
            Commands = core.Commands,
            CommandDelivery = core.Commands,
            Metrics = metrics,
            Time = time,
            Logger = logger,
            AmqpsPort = amqpsPort,
        };

    public static ApiServices ToApi(
        this HubCore core, HubRouting routing, HubMetrics metrics, TimeProvider time, ILogger logger) => new()
        {
            Hub = core.Hub,
            Authenticator = core.Authenticator,
            Policies = core.Policies,
            Authorities = core.Authorities,
            Failures = core.Failures,
            Registry = core.Registry,
            Presence = core.Presence,
            ConsumerGroups = core.Groups,
            Events = core.Events.Log,
            Routing = routing,
            Commands = core.Commands,
            CommandDelivery = core.Commands,
            Metrics = metrics,
            Time = time,
            Logger = logger,
        };
}
