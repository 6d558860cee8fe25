using System.Buffers.Binary;

namespace Hubbub.Core.Events;

/// <summary>
/// Events that belong together, gathered in one reusable buffer: an entry is
/// annotations length u32, annotation count u16, sections length u32, annotations, sections (little-endian).
/// </summary>
public sealed class EventBatch
{
    private const int HeaderSize = 10;
    private byte[] _buffer = [];
    private int _length;

    /// <summary>How many events the batch holds.</summary>
    public int Count { get; private set; }

    public void Clear() => (_length, Count) = (0, 0);

    /// <summary>
    /// Adds one event; the spans are copied. Parameters as in the Append of <see cref="IEventPartition"/>.
    /// </summary>
    public void Add(ReadOnlySpan<byte> annotations, int annotationCount, ReadOnlySpan<byte> sections)
    {
        var needed = _length + HeaderSize + annotations.Length + sections.Length;
        if (needed > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(needed, _buffer.Length * 2));
        var entry = _buffer.AsSpan(_length);
        BinaryPrimitives.WriteInt32LittleEndian(entry, annotations.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], checked((ushort)annotationCount));
        BinaryPrimitives.WriteInt32LittleEndian(entry[6..], sections.Length);
        annotations.CopyTo(entry[HeaderSize..]);
        sections.CopyTo(entry[(HeaderSize + annotations.Length)..]);
        _length = needed;
        Count++;
    }

    /// <summary>
    /// Reads the entry at <paramref name="position"/> and moves it to the next one; false at the end.
    /// </summary>
    public bool TryRead(
        ref int position, out ReadOnlySpan<byte> annotations, out int annotationCount, out ReadOnlySpan<byte> sections)
    {
        if (position >= _length)
        {
            annotations = sections = default;
            annotationCount = 0;
            return false;
        }
        var entry = _buffer.AsSpan(position, _length - position);
        var annotationsLength = BinaryPrimitives.ReadInt32LittleEndian(entry);
        annotationCount = BinaryPrimitives.ReadUInt16LittleEndian(entry[4..]);
        var sectionsLength = BinaryPrimitives.ReadInt32LittleEndian(entry[6..]);
        annotations = entry.Slice(HeaderSize, annotationsLength);
        sections = entry.Slice(HeaderSize + annotationsLength, sectionsLength);
        position += HeaderSize + annotationsLength + sectionsLength;
        return true;
    }
}
