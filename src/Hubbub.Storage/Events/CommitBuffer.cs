using Hubbub.Core.Events;

namespace Hubbub.Storage.Events;

/// <summary>
/// The events of one commit, already in the form in which they are stored, and the producers to tell. Filled under the
/// queue's lock, then owned by the writer.
/// </summary>
internal sealed class CommitBuffer
{
    private byte[] _bytes = GC.AllocateUninitializedArray<byte>(EventLogLimits.CommitBufferBytes);
    private EventProducer[] _producers = new EventProducer[8];

    /// <summary>The number that producers know this commit by.</summary>
    public long Commit { get; private set; }

    /// <summary>Bytes of the batch so far, room for its header included.</summary>
    public int Length { get; private set; }

    public int EventCount { get; private set; }

    public int LastEventOffset { get; private set; }

    public Span<byte> Batch => _bytes.AsSpan(0, Length);

    /// <summary>Each producer with events in this commit, once.</summary>
    public ReadOnlySpan<EventProducer> Producers => _producers.AsSpan(0, ProducerCount);

    private int ProducerCount { get; set; }

    /// <summary>Makes the buffer empty for a commit; gives a large array back when the buffer has rested.</summary>
    public void Begin(long commit)
    {
        _producers.AsSpan(0, ProducerCount).Clear();
        (Commit, Length, EventCount, LastEventOffset, ProducerCount) = (commit, BatchHeader.Size, 0, 0, 0);
    }

    public void Trim()
    {
        if (_bytes.Length > EventLogLimits.CommitBufferBytes)
            _bytes = GC.AllocateUninitializedArray<byte>(EventLogLimits.CommitBufferBytes);
    }

    /// <summary>Makes room for <paramref name="bytes"/> more.</summary>
    public void Reserve(int bytes)
    {
        if (Length + bytes <= _bytes.Length)
            return;
        var larger = GC.AllocateUninitializedArray<byte>((int)Math.Max((long)Length + bytes, _bytes.Length * 2L));
        Batch.CopyTo(larger);
        _bytes = larger;
    }

    /// <summary>Notes the producer and stores its annotations, each once a commit. Needs reserved room.</summary>
    public void Enlist(EventProducer producer)
    {
        if (producer.LogCommit != Commit)
        {
            if (ProducerCount == _producers.Length)
                Array.Resize(ref _producers, ProducerCount * 2);
            _producers[ProducerCount++] = producer;
            (producer.LogCommit, producer.LogStampOffset) = (Commit, 0);
        }
        if (producer.LogStampOffset > 0 || producer.Annotations.IsEmpty)
            return;
        EntryFormat.WriteStamp(_bytes.AsSpan(Length), producer.Annotations.Span, producer.AnnotationCount);
        producer.LogStampOffset = Length;
        Length += EntryFormat.StampHeaderSize + producer.Annotations.Length;
    }

    /// <summary>Adds an event of an enlisted producer. Needs reserved room.</summary>
    public void Add(
        EventProducer producer, ReadOnlySpan<byte> annotations, int annotationCount, ReadOnlySpan<byte> sections)
    {
        EntryFormat.WriteEvent(_bytes.AsSpan(Length), producer.LogStampOffset, annotations, annotationCount, sections);
        LastEventOffset = Length;
        Length += EntryFormat.EventHeaderSize + annotations.Length + sections.Length;
        EventCount++;
    }
}
