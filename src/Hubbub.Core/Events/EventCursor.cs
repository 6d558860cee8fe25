namespace Hubbub.Core.Events;

/// <summary>
/// A reader's place in a partition. Not safe for concurrent use; different cursors are independent.
/// <see cref="TryRead"/> only walks memory, <see cref="Load"/> may read the disk: so a caller can hold a lock for the
/// former and none for the latter.
/// </summary>
public abstract class EventCursor : IDisposable
{
    /// <summary>
    /// The next event of what is loaded. The view is valid until the next call of <see cref="Load"/> or Dispose.
    /// </summary>
    /// <returns>False when the loaded part is used up; then call <see cref="Load"/>.</returns>
    public abstract bool TryRead(out EventView view);

    /// <summary>
    /// Makes sure that <see cref="TryRead"/> has something to give; loads the next part when it has not.
    /// </summary>
    /// <returns>False when the cursor has caught up with the last commit.</returns>
    /// <exception cref="EventLogDamagedException">A stored batch does not match its checksum.</exception>
    public abstract bool Load();

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}

/// <summary>One stored event, in the form in which it is delivered. The spans belong to the cursor.</summary>
public readonly ref struct EventView
{
    /// <summary>Dense within the partition, from 0, stable across restarts.</summary>
    public required long SequenceNumber { get; init; }

    /// <summary>Byte position in the partition; rises with the sequence number.</summary>
    public required long Offset { get; init; }

    /// <summary>Milliseconds since 1970-01-01 UTC; never falls within a partition.</summary>
    public required long EnqueuedTimeMs { get; init; }

    /// <summary>Encoded pairs that the hub added (<see cref="EventProducer.Annotations"/>).</summary>
    public required ReadOnlySpan<byte> Stamp { get; init; }

    /// <summary>Encoded pairs that the sender's message brought.</summary>
    public required ReadOnlySpan<byte> Annotations { get; init; }

    /// <summary>
    /// Map elements (keys plus values) in <see cref="Stamp"/> and <see cref="Annotations"/> together.
    /// </summary>
    public required int AnnotationCount { get; init; }

    /// <summary>The message from its properties section on.</summary>
    public required ReadOnlySpan<byte> Sections { get; init; }
}

/// <summary>A part of the log does not match its checksum. It is kept as it is, and never skipped silently.</summary>
public sealed class EventLogDamagedException(string message) : IOException(message);
