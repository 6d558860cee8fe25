namespace Hubbub.Core.Events;

/// <summary>A durable, partitioned, append-only stream of events. One stream is one Event Hubs entity.</summary>
public interface IEventLog : IAsyncDisposable
{
    /// <summary>The stream's partitions; the index is the partition id.</summary>
    IReadOnlyList<IEventPartition> Partitions { get; }

    /// <summary>When the stream was made.</summary>
    DateTimeOffset CreatedAt { get; }
}
