namespace Hubbub.Core.Identities;

/// <summary>Keeps when devices and modules were last heard of. Safe for concurrent use.</summary>
public interface IActivityStore
{
    /// <summary>What is stored, a page at a time, so that other work of the store gets its turn in between.</summary>
    /// <param name="after">The last one of the page before; null for the first page.</param>
    /// <param name="countMax">How many at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The next ones in the order of their ids; none at the end.</returns>
    ValueTask<IReadOnlyList<StoredActivity>> LoadActivityAsync(
        StoredActivity? after, int countMax, CancellationToken cancellationToken);

    /// <summary>Replaces the records of some identities and removes those of others, all or none.</summary>
    /// <returns>Null when it is on stable storage, else why nothing was written.</returns>
    ValueTask<HubError?> WriteActivityAsync(
        IReadOnlyList<StoredActivity> changed,
        IReadOnlyList<(string DeviceId, string? ModuleId)> gone,
        CancellationToken cancellationToken);
}

/// <summary>When an identity was last heard of, as it is stored.</summary>
/// <param name="DeviceId">The device.</param>
/// <param name="ModuleId">The module of it; null for the device itself.</param>
/// <param name="GenerationId">Of which generation; a later one has been heard of by itself only.</param>
/// <param name="IsConnected">Whether it was connected when this was written.</param>
/// <param name="ChangedAt">When that last changed; null: never.</param>
/// <param name="ActiveAt">When it was last heard of; null: never.</param>
public readonly record struct StoredActivity(
    string DeviceId,
    string? ModuleId,
    string GenerationId,
    bool IsConnected,
    DateTimeOffset? ChangedAt,
    DateTimeOffset? ActiveAt);
