namespace Hubbub.Core.Routing;

/// <summary>
/// Keeps the routing configuration durably. Safe for concurrent use. A save returns null when all of it is on stable
/// storage, else why nothing was changed (a full disk).
/// </summary>
public interface IRoutingStore
{
    ValueTask<RoutingConfiguration> LoadRoutingAsync(CancellationToken cancellationToken);

    /// <summary>Replaces the configuration as a whole.</summary>
    ValueTask<HubError?> SaveRoutingAsync(RoutingConfiguration configuration, CancellationToken cancellationToken);
}
