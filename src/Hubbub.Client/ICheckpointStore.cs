namespace Hubbub.Client;

/// <summary>Whose progress a checkpoint tells.</summary>
/// <param name="HostName">The host of the event hub.</param>
/// <param name="EventHub">The event hub.</param>
/// <param name="ConsumerGroup">The consumer group.</param>
/// <param name="PartitionId">The partition.</param>
public sealed record CheckpointKey(string HostName, string EventHub, string ConsumerGroup, string PartitionId);

/// <summary>How far a reader has come in a partition.</summary>
/// <param name="SequenceNumber">The last event that is dealt with.</param>
/// <param name="Offset">Its offset.</param>
public sealed record Checkpoint(long SequenceNumber, string Offset);

/// <summary>
/// Where checkpoints are kept: <see cref="FileCheckpointStore"/>, or a database of the caller's. Has to be safe for
/// concurrent use.
/// </summary>
public interface ICheckpointStore
{
    /// <summary>The last checkpoint; null when there is none.</summary>
    ValueTask<Checkpoint?> LoadAsync(CheckpointKey key, CancellationToken cancellationToken);

    /// <summary>Keeps a checkpoint in the place of the last one; as a whole or not at all.</summary>
    ValueTask SaveAsync(CheckpointKey key, Checkpoint checkpoint, CancellationToken cancellationToken);
}
