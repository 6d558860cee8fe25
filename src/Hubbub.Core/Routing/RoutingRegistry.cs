namespace Hubbub.Core.Routing;

/// <summary>
/// The routing configuration in force and the one way to change it: checked and compiled as a whole, stored, and only
/// then put in the place of the old one. Safe for concurrent use.
/// </summary>
public sealed class RoutingRegistry : IDisposable
{
    private readonly IRoutingStore _store;
    private readonly IRoutingTargets _targets;
    private readonly RoutingOptions _options;
    private readonly string _builtInEntity;
    private readonly SemaphoreSlim _change = new(1, 1);
    private volatile RouteTable _table;

    private RoutingRegistry(
        IRoutingStore store, IRoutingTargets targets, RoutingOptions options, string builtInEntity, RouteTable table) =>
        (_store, _targets, _options, _builtInEntity, _table) = (store, targets, options, builtInEntity, table);

    /// <summary>What is in force.</summary>
    public RouteTable Table => _table;

    public RoutingOptions Options => _options;

    /// <summary>Loads the stored configuration and opens what its endpoints need.</summary>
    /// <returns>The registry, or why a stored endpoint cannot be opened.</returns>
    public static async ValueTask<HubResult<RoutingRegistry>> OpenAsync(
        IRoutingStore store,
        IRoutingTargets targets,
        RoutingOptions options,
        string builtInEntity,
        CancellationToken cancellationToken)
    {
        var configuration = await store.LoadRoutingAsync(cancellationToken).ConfigureAwait(false);
        // What was stored obeyed the rules of its time; a limit that was lowered since binds changes only.
        var table = RouteTable.Compile(configuration);
        if (!table.IsOk)
            return table.Error!;
        if (await targets.OpenAsync(table.Value, cancellationToken).ConfigureAwait(false) is { } problem)
            return problem;
        await targets.SwitchAsync(table.Value).ConfigureAwait(false);
        return new RoutingRegistry(store, targets, options, builtInEntity, table.Value);
    }

    /// <summary>Checks a change without making it.</summary>
    public HubResult<RoutingConfiguration> Check(
        Func<RoutingConfiguration, HubResult<RoutingConfiguration>> change)
    {
        var changed = Prepare(change, _table.Configuration);
        return changed.IsOk ? changed.Value.Configuration : changed.Error!;
    }

    /// <summary>Makes a change: all of it takes effect at once, or nothing does.</summary>
    /// <param name="change">Makes the new configuration of the one in force, or refuses.</param>
    /// <returns>The new configuration, or why it is refused.</returns>
    public async ValueTask<HubResult<RoutingConfiguration>> ChangeAsync(
        Func<RoutingConfiguration, HubResult<RoutingConfiguration>> change, CancellationToken cancellationToken)
    {
        await _change.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var prepared = Prepare(change, _table.Configuration);
            if (!prepared.IsOk)
                return prepared.Error!;
            var table = prepared.Value;
            if (await _targets.OpenAsync(table, cancellationToken).ConfigureAwait(false) is { } problem)
                return problem;
            if (await StoreAsync(table, cancellationToken).ConfigureAwait(false) is { } full)
                return full;
            await _targets.SwitchAsync(table).ConfigureAwait(false);
            _table = table;
            return table.Configuration;
        }
        finally
        {
            _change.Release();
        }
    }

    public void Dispose() => _change.Dispose();

    private async ValueTask<HubError?> StoreAsync(RouteTable table, CancellationToken cancellationToken)
    {
        HubError? full;
        try
        {
            full = await _store.SaveRoutingAsync(table.Configuration, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await _targets.SwitchAsync(_table).ConfigureAwait(false);
            throw;
        }
        if (full is not null)
            await _targets.SwitchAsync(_table).ConfigureAwait(false);
        return full;
    }

    private HubResult<RouteTable> Prepare(
        Func<RoutingConfiguration, HubResult<RoutingConfiguration>> change, RoutingConfiguration current)
    {
        var changed = change(current);
        if (!changed.IsOk)
            return changed.Error!;
        if (RoutingRules.Check(changed.Value, _options, _builtInEntity) is { } problem)
            return problem;
        return RouteTable.Compile(changed.Value);
    }
}

/// <summary>What stands behind endpoints: streams and dispatchers. Called by one change at a time.</summary>
public interface IRoutingTargets
{
    /// <summary>Opens what a table needs besides what is open; nothing that is in use is touched.</summary>
    /// <returns>Null, or why it cannot be opened; then nothing has changed.</returns>
    ValueTask<HubError?> OpenAsync(RouteTable table, CancellationToken cancellationToken);

    /// <summary>
    /// From now on messages go by this table; what no endpoint needs any more is closed, and the streams of endpoints
    /// that are gone are removed.
    /// </summary>
    ValueTask SwitchAsync(RouteTable table);
}
