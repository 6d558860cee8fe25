namespace Hubbub.Core.Events;

/// <summary>
/// One partition: one append path with group commit, any number of readers. Safe for use from any thread.
/// </summary>
public interface IEventPartition
{
    int Id { get; }

    /// <summary>What is readable now: only events whose sync has returned.</summary>
    PartitionState State { get; }

    /// <summary>
    /// Queues one event for the next commit; every span is copied before the call returns.
    /// <see cref="EventProducer.OnCommit"/> says later whether the commit is on stable storage.
    /// </summary>
    /// <param name="producer">Where the event comes from; bound to this partition.</param>
    /// <param name="annotations">Encoded key-value pairs to keep from the sender's message annotations.</param>
    /// <param name="annotationCount">
    /// How many map elements (keys plus values) <paramref name="annotations"/> holds.
    /// </param>
    /// <param name="sections">The message from its properties section on, as received.</param>
    /// <returns>
    /// The number of the commit that the event belongs to (rising by one for each commit), or the refusal.
    /// </returns>
    HubResult<long> Append(
        EventProducer producer, ReadOnlySpan<byte> annotations, int annotationCount, ReadOnlySpan<byte> sections);

    /// <summary>Queues several events that become durable in one commit, all or none.</summary>
    HubResult<long> Append(EventProducer producer, EventBatch batch);

    /// <summary>
    /// True while so much waits for its commit that producers should stop taking more from their peers.
    /// </summary>
    bool IsSaturated { get; }

    /// <summary>Completes when the partition is no longer saturated.</summary>
    ValueTask WhenNotSaturatedAsync(CancellationToken cancellationToken);

    /// <summary>Opens a cursor. A position older than retention starts at the oldest event that is kept.</summary>
    /// <returns>The cursor, or ArgumentInvalid for a position behind the end of the log.</returns>
    HubResult<EventCursor> Open(EventPosition position);

    /// <summary>Calls <paramref name="listener"/> after each commit, on the writer's thread, until disposed.</summary>
    IDisposable Subscribe(ICommitListener listener);
}

/// <summary>Told that new events are readable. Must return at once and must not call the partition.</summary>
public interface ICommitListener
{
    void OnCommitted();
}
