using Hubbub.Core.Commands;
using Hubbub.Core.Events;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Routing;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Http;

/// <summary>What the HTTPS service stands on; made once in the composition.</summary>
public sealed record ApiServices
{
    public required HubIdentity Hub { get; init; }

    public required Authenticator Authenticator { get; init; }

    /// <summary>Slows down those who guess.</summary>
    public required FailedAuthentications Failures { get; init; }

    public required PolicyRegistry Policies { get; init; }

    /// <summary>Who vouches for devices' certificates.</summary>
    public required CertificateAuthorities Authorities { get; init; }

    public required IdentityRegistry Registry { get; init; }

    public required DevicePresence Presence { get; init; }

    public required ConsumerGroups ConsumerGroups { get; init; }

    /// <summary>The built-in stream, which takes what devices send.</summary>
    public required IEventLog Events { get; init; }

    /// <summary>Routes, endpoints and enrichments; null where the service has none.</summary>
    internal HubRouting? Routing { get; init; }

    /// <summary>Where telemetry goes.</summary>
    internal TelemetryRouter Router => field ??= Routing?.Router ?? TelemetryRouter.To(Events, Metrics);

    public required CommandQueues Commands { get; init; }

    /// <summary>How commands reach devices.</summary>
    public required ICommandDelivery CommandDelivery { get; init; }

    public required HubMetrics Metrics { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }
}
