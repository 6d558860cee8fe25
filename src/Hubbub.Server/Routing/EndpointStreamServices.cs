using Hubbub.Core.Identities;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Storage.Events;

namespace Hubbub.Server.Routing;

/// <summary>What the streams of endpoints stand on; made once in the composition.</summary>
internal sealed record EndpointStreamServices
{
    /// <summary>Below which each stream has its directory.</summary>
    public required string Directory { get; init; }

    public required HubIdentity Hub { get; init; }

    /// <summary>Where consumer groups are kept.</summary>
    public required IHubSettingsStore Groups { get; init; }

    public required IEndpointPositionStore Positions { get; init; }

    public required EndpointDispatch Dispatch { get; init; }

    public required IEventLogObserver Report { get; init; }

    public required TimeProvider Time { get; init; }
}
