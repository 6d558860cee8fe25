namespace Hubbub.Core.Events;

/// <summary>
/// One source of events for one partition, typically one link: the annotations that the hub adds to each of its
/// events, encoded once, and the call-back that says that a commit is done.
/// </summary>
public abstract class EventProducer
{
    /// <summary>
    /// Encoded key-value pairs that the hub adds to each event. The log stores them once a commit, not once an event.
    /// Changing them affects the events appended afterwards.
    /// </summary>
    public ReadOnlyMemory<byte> Annotations { get; private set; }

    /// <summary>How many map elements (keys plus values) <see cref="Annotations"/> holds.</summary>
    public int AnnotationCount { get; private set; }

    /// <summary>The newest commit with an event of this producer. Owned by the log, guarded by its lock.</summary>
    public long LogCommit { get; set; } = -1;

    /// <summary>
    /// Where the commit holds <see cref="Annotations"/>; 0 when it does not yet. Owned by the log, guarded by its lock.
    /// </summary>
    public int LogStampOffset { get; set; }

    /// <summary>
    /// Sets the annotations; call it only while no append of this producer is under way.
    /// </summary>
    public void Stamp(ReadOnlyMemory<byte> annotations, int annotationCount)
    {
        Annotations = annotations;
        AnnotationCount = annotationCount;
        // LogCommit stays, or a commit that already holds events of this producer would call it twice.
        LogStampOffset = 0;
    }

    /// <summary>
    /// A commit that holds events of this producer has ended: on stable storage when <paramref name="error"/> is null,
    /// otherwise refused as a whole (a full disk). Called once for each such commit, in order, on the writer's thread;
    /// must return at once.
    /// </summary>
    public abstract void OnCommit(long commit, HubError? error);
}
