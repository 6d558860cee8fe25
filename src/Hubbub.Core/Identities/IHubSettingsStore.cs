namespace Hubbub.Core.Identities;

/// <summary>
/// Keeps the hub's settings and consumer groups durably. Safe for concurrent use. A write returns null when it is on
/// stable storage, else why nothing was written (a full disk); a call that was cancelled has written nothing.
/// </summary>
public interface IHubSettingsStore
{
    /// <summary>The settings; null before the first save.</summary>
    ValueTask<HubSettings?> LoadSettingsAsync(CancellationToken cancellationToken);

    /// <summary>Replaces the settings as a whole.</summary>
    ValueTask<HubError?> SaveSettingsAsync(HubSettings settings, CancellationToken cancellationToken);

    /// <summary>The consumer groups of every entity, without the ones that need no record.</summary>
    ValueTask<IReadOnlyList<ConsumerGroup>> LoadConsumerGroupsAsync(CancellationToken cancellationToken);

    ValueTask<HubError?> PutConsumerGroupAsync(ConsumerGroup group, CancellationToken cancellationToken);

    ValueTask<HubError?> DeleteConsumerGroupAsync(ConsumerGroup group, CancellationToken cancellationToken);
}

/// <summary>A named view of an entity's events: readers of different groups do not disturb each other.</summary>
/// <param name="Name">As it was created; compared ignoring case.</param>
public sealed record ConsumerGroup(string EntityName, string Name, DateTimeOffset CreatedAt);
