using System.Buffers.Binary;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>
/// A segment's index as a file beside it, with the state at its end. Written when the segment is closed; of the newest
/// segment at a clean shutdown. Never synced and never trusted without its checksum: what is lost is built again.
/// It can only tell of what had been synced before, so it also bears witness to how far the log once reached.
/// </summary>
internal static class SegmentIndexFile
{
    public const string Suffix = ".index";
    private const ulong Magic = 0x31_58_44_49_42_42_55_48; // "HUBBIDX1" in file order
    private const int HeaderSize = 88;
    private const int EntrySize = 24;
    private const int CoveredOffset = 12;

    public static void Write(IFileSystem files, Segment segment, LogTail tail, IndexEntry[] entries)
    {
        var bytes = new byte[HeaderSize + (entries.Length * EntrySize)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), segment.Header.Partition);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), segment.Header.StreamId);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), segment.BasePosition);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), tail.End);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(40), tail.NextSequence);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(48), tail.LastOffset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(56), tail.LastTimeMs);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(64), tail.LastBatchPosition);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(72), tail.LastCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(76), tail.IsSealed ? 1u : 0u);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(80), entries.Length);
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = bytes.AsSpan(HeaderSize + (i * EntrySize));
            BinaryPrimitives.WriteInt64LittleEndian(entry, entries[i].Position);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], entries[i].Sequence);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], entries[i].TimeMs);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Checksum.Compute(0, bytes.AsSpan(CoveredOffset)));
        var temporary = segment.IndexPath + ".new";
        using (var file = files.Create(temporary))
            file.Write(bytes, 0);
        files.Rename(temporary, segment.IndexPath);
    }

    /// <summary>The index and the state that it was written with; null when there is none to trust.</summary>
    public static (LogTail Tail, IndexEntry[] Entries)? Read(IFileSystem files, Segment segment)
    {
        byte[] bytes;
        try
        {
            using var file = files.Open(segment.IndexPath);
            bytes = new byte[Math.Min(file.Length, EventLogLimits.IndexFileBytesMax)];
            if (file.Read(bytes, 0) != bytes.Length)
                return null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        if (bytes.Length < HeaderSize || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8))
                != Checksum.Compute(0, bytes.AsSpan(CoveredOffset))
            || BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12)) != segment.Header.Partition
            || BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16)) != segment.Header.StreamId
            || BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(24)) != segment.BasePosition
            || BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(80)) != (bytes.Length - HeaderSize) / EntrySize)
            return null;
        return (ReadTail(bytes), ReadEntries(bytes));
    }

    private static LogTail ReadTail(byte[] bytes) => new()
    {
        End = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(32)),
        NextSequence = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(40)),
        LastOffset = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(48)),
        LastTimeMs = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(56)),
        LastBatchPosition = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(64)),
        LastCrc = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(72)),
        IsSealed = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(76)) != 0,
    };

    private static IndexEntry[] ReadEntries(byte[] bytes)
    {
        var entries = new IndexEntry[(bytes.Length - HeaderSize) / EntrySize];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = bytes.AsSpan(HeaderSize + (i * EntrySize));
            entries[i] = new IndexEntry(
                BinaryPrimitives.ReadInt64LittleEndian(entry),
                BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
                BinaryPrimitives.ReadInt64LittleEndian(entry[16..]));
        }
        return entries;
    }
}
