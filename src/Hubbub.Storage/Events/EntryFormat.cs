using System.Buffers.Binary;

namespace Hubbub.Storage.Events;

/// <summary>
/// The entries of a batch, one after another without gaps. A stamp holds a producer's annotations, once for all its
/// events of the commit; an event refers to its stamp by the stamp's place in the batch. Layout in
/// docs/storage-format.md.
/// </summary>
internal static class EntryFormat
{
    public const int StampHeaderSize = 8;
    public const int EventHeaderSize = 16;
    private const byte StampKind = 1;
    private const byte EventKind = 2;

    public static void WriteStamp(Span<byte> target, ReadOnlySpan<byte> annotations, int annotationCount)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, StampKind | ((uint)annotationCount << 16));
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], annotations.Length);
        annotations.CopyTo(target[StampHeaderSize..]);
    }

    public static void WriteEvent(
        Span<byte> target,
        int stampOffset,
        ReadOnlySpan<byte> annotations,
        int annotationCount,
        ReadOnlySpan<byte> sections)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, EventKind | ((uint)annotationCount << 16));
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], stampOffset);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], annotations.Length);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], sections.Length);
        annotations.CopyTo(target[EventHeaderSize..]);
        sections.CopyTo(target[(EventHeaderSize + annotations.Length)..]);
    }

    public static bool IsStamp(ReadOnlySpan<byte> entry) => entry[0] == StampKind;

    public static int CountOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadUInt16LittleEndian(entry[2..]);

    public static int StampSize(ReadOnlySpan<byte> entry) =>
        StampHeaderSize + BinaryPrimitives.ReadInt32LittleEndian(entry[4..]);

    public static ReadOnlySpan<byte> StampAnnotations(ReadOnlySpan<byte> entry) =>
        entry.Slice(StampHeaderSize, BinaryPrimitives.ReadInt32LittleEndian(entry[4..]));

    public static (int StampOffset, int AnnotationsLength, int SectionsLength) ReadEvent(ReadOnlySpan<byte> entry) => (
        BinaryPrimitives.ReadInt32LittleEndian(entry[4..]),
        BinaryPrimitives.ReadInt32LittleEndian(entry[8..]),
        BinaryPrimitives.ReadInt32LittleEndian(entry[12..]));
}
