using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Routing;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Amqp;

/// <summary>What the AMQP endpoints stand on; made once in the composition.</summary>
public sealed record AmqpServices
{
    /// <summary>Names of the hub and of its events entity.</summary>
    public required HubIdentity Hub { get; init; }

    public required IdentityRegistry Registry { get; init; }

    public required Authenticator Authenticator { get; init; }

    public required PolicyRegistry Policies { get; init; }

    /// <summary>Who vouches for devices' certificates.</summary>
    public required CertificateAuthorities Authorities { get; init; }

    /// <summary>Slows down those who guess.</summary>
    public required FailedAuthentications Failures { get; init; }

    /// <summary>Told of device links that open and close.</summary>
    public required DevicePresence Presence { get; init; }

    /// <summary>The built-in events entity.</summary>
    public required EventEntity Events { get; init; }

    /// <summary>Every entity that events can be read from, the built-in one among them.</summary>
    public EventEntities Entities { get => field ??= new EventEntities(Events); init; }

    /// <summary>Where telemetry goes.</summary>
    internal TelemetryRouter Router { get => field ??= TelemetryRouter.To(Events.Log, Metrics); init; }

    /// <summary>Commands from services, and the feedback about them.</summary>
    public required CommandQueues Commands { get; init; }

    /// <summary>How commands reach the devices of this process's connections.</summary>
    public required ICommandDelivery CommandDelivery { get; init; }

    public required HubMetrics Metrics { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>The port that redirects name; the one on which AMQPS listens.</summary>
    public required int AmqpsPort { get; init; }
}
