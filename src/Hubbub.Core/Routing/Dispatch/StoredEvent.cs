namespace Hubbub.Core.Routing.Dispatch;

/// <summary>
/// One event of an endpoint's stream, in the form in which it is stored (see <see cref="Events.EventView"/>). The
/// memory belongs to whoever handed the event out, and only lives as long as that call says.
/// </summary>
public readonly record struct StoredEvent
{
    /// <summary>Its number in the endpoint's own stream: dense, from 0, stable across restarts.</summary>
    public required long SequenceNumber { get; init; }

    /// <summary>When the hub took it; milliseconds since 1970-01-01 UTC.</summary>
    public required long EnqueuedTimeMs { get; init; }

    /// <summary>Encoded pairs of message annotations that the hub added.</summary>
    public required ReadOnlyMemory<byte> Stamp { get; init; }

    /// <summary>Encoded pairs of message annotations that the sender's message brought.</summary>
    public required ReadOnlyMemory<byte> Annotations { get; init; }

    /// <summary>
    /// Map elements (keys plus values) in <see cref="Stamp"/> and <see cref="Annotations"/> together.
    /// </summary>
    public required int AnnotationCount { get; init; }

    /// <summary>The message from its properties section on.</summary>
    public required ReadOnlyMemory<byte> Sections { get; init; }

    /// <summary>Bytes of all parts.</summary>
    public int SizeBytes => Stamp.Length + Annotations.Length + Sections.Length;
}
