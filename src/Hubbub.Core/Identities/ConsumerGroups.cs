using System.Buffers;
using System.Collections.Immutable;

namespace Hubbub.Core.Identities;

/// <summary>
/// The consumer groups of one entity. <c>$Default</c> is always there; names are compared ignoring case, since clients
/// spell that one in two ways. Safe for concurrent use; a change is durable before it is visible.
/// </summary>
public sealed class ConsumerGroups : IDisposable
{
    public const string Default = "$Default";

    private static readonly SearchValues<char> Alphabet = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-$");

    private readonly IHubSettingsStore _store;
    private readonly string _entityName;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _change = new(1, 1);
    private ImmutableArray<ConsumerGroup> _groups; // At most twenty, so a scan is enough.
    private ImmutableArray<Action<ConsumerGroup>> _deletionListeners = [];

    private ConsumerGroups(
        IHubSettingsStore store, string entityName, TimeProvider time, ImmutableArray<ConsumerGroup> groups) =>
        (_store, _entityName, _time, _groups) = (store, entityName, time, groups);

    /// <summary>Loads the groups of one entity.</summary>
    /// <param name="createdAt">When the entity was made, and with it <c>$Default</c>.</param>
    public static async ValueTask<ConsumerGroups> OpenAsync(
        IHubSettingsStore store,
        string entityName,
        DateTimeOffset createdAt,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var stored = await store.LoadConsumerGroupsAsync(cancellationToken).ConfigureAwait(false);
        return new ConsumerGroups(
            store,
            entityName,
            time,
            [
                new ConsumerGroup(entityName, Default, createdAt),
                .. stored.Where(g => string.Equals(g.EntityName, entityName, StringComparison.OrdinalIgnoreCase)),
            ]);
    }

    /// <summary>All groups, <c>$Default</c> first.</summary>
    public IReadOnlyList<ConsumerGroup> All => _groups;

    /// <summary>The group of that name, ignoring case; null when there is none.</summary>
    public ConsumerGroup? Find(ReadOnlySpan<char> name)
    {
        foreach (var group in _groups)
        {
            if (name.Equals(group.Name, StringComparison.OrdinalIgnoreCase))
                return group;
        }
        return null;
    }

    /// <summary>The group, or EntityNotFound.</summary>
    public HubResult<ConsumerGroup> Get(string name) => Find(name) is { } group ? group : NotFound(name);

    /// <summary>Makes a group; when it is there already, nothing changes and it is returned.</summary>
    /// <returns>The group, or ArgumentInvalid or QuotaExceeded.</returns>
    public async ValueTask<HubResult<ConsumerGroup>> CreateAsync(string name, CancellationToken cancellationToken)
    {
        if (name.Length is 0 or > IdentityLimits.ConsumerGroupNameLengthMax
            || name.AsSpan().ContainsAnyExcept(Alphabet))
        {
            return new HubError(
                HubErrorCode.ArgumentInvalid,
                $"The consumer group name '{Shorten(name)}' is not valid: 1 to "
                + $"{IdentityLimits.ConsumerGroupNameLengthMax} ASCII letters, digits or . _ - $ are allowed.");
        }
        await _change.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Find(name) is { } existing)
                return existing;
            if (_groups.Length >= IdentityLimits.ConsumerGroupsMax)
            {
                return new HubError(
                    HubErrorCode.QuotaExceeded,
                    $"The consumer group '{name}' was not created: {IdentityLimits.ConsumerGroupsMax} exist already.");
            }
            var group = new ConsumerGroup(_entityName, name, _time.GetUtcNow());
            if (await _store.PutConsumerGroupAsync(group, cancellationToken).ConfigureAwait(false) is { } full)
                return full;
            _groups = _groups.Add(group);
            return group;
        }
        finally
        {
            _change.Release();
        }
    }

    /// <summary>Removes a group.</summary>
    /// <returns>The group that was, or EntityNotFound, or InvalidOperation for <c>$Default</c>.</returns>
    public async ValueTask<HubResult<ConsumerGroup>> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await _change.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Find(name) is not { } group)
                return NotFound(name);
            if (group.Name == Default)
            {
                return new HubError(
                    HubErrorCode.InvalidOperation, $"The consumer group '{Default}' cannot be deleted.");
            }
            if (await _store.DeleteConsumerGroupAsync(group, cancellationToken).ConfigureAwait(false) is { } full)
                return full;
            _groups = _groups.Remove(group);
            foreach (var listener in _deletionListeners)
                listener(group);
            return group;
        }
        finally
        {
            _change.Release();
        }
    }

    /// <summary>
    /// Calls <paramref name="listener"/> with each group that is deleted; it must return at once and not throw.
    /// </summary>
    public void OnDeleted(Action<ConsumerGroup> listener) =>
        ImmutableInterlocked.Update(ref _deletionListeners, (all, added) => all.Add(added), listener);

    public void Dispose() => _change.Dispose();

    private HubError NotFound(string name) => new(
        HubErrorCode.EntityNotFound, $"The consumer group '{Shorten(name)}' of '{_entityName}' does not exist.");

    private static string Shorten(string name) => name.Length <= IdentityLimits.ConsumerGroupNameLengthMax
        ? name
        : name[..IdentityLimits.ConsumerGroupNameLengthMax] + "...";
}
