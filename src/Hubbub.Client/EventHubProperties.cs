namespace Hubbub.Client;

/// <summary>What a hub says of its events.</summary>
/// <param name="Name">The event hub's name.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="PartitionIds">Its partitions, "0" to "n-1".</param>
public sealed record EventHubProperties(string Name, DateTimeOffset CreatedAt, IReadOnlyList<string> PartitionIds);

/// <summary>What a hub says of one partition.</summary>
/// <param name="Id">The partition.</param>
/// <param name="BeginningSequenceNumber">Of the oldest event that is kept.</param>
/// <param name="LastEnqueuedSequenceNumber">Of the newest event; -1 when there never was one.</param>
/// <param name="LastEnqueuedOffset">Of the newest event; "-1" when there never was one.</param>
/// <param name="LastEnqueuedTime">When the newest event came.</param>
/// <param name="IsEmpty">True when no event is kept.</param>
public sealed record PartitionProperties(
    string Id,
    long BeginningSequenceNumber,
    long LastEnqueuedSequenceNumber,
    string LastEnqueuedOffset,
    DateTimeOffset LastEnqueuedTime,
    bool IsEmpty);
