using System.Buffers.Binary;
using System.Globalization;

namespace Hubbub.Storage.Events;

/// <summary>
/// The first bytes of a segment file: whose it is, and the partition's state where it begins, so that the numbers go on
/// even when retention has removed everything before. Layout in docs/storage-format.md.
/// </summary>
internal readonly record struct SegmentHeader
{
    public const int Size = 128;
    public const string FileSuffix = ".segment";
    private const ulong Magic = 0x31_47_45_53_42_42_55_48; // "HUBBSEG1" in file order
    private const int CoveredOffset = 12;

    public required long StreamId { get; init; }
    public required int Partition { get; init; }
    public required long BasePosition { get; init; }
    public required long BaseSequence { get; init; }

    /// <summary>The offset of the last event before this segment; -1 when there never was one.</summary>
    public required long LastOffset { get; init; }

    /// <summary>The enqueued time of the last event before this segment.</summary>
    public required long LastTimeMs { get; init; }
    public required long CreatedMs { get; init; }

    /// <summary>The checksum of the last batch before this segment.</summary>
    public required uint PreviousCrc { get; init; }

    /// <summary>Twenty digits, so that names sort as numbers do.</summary>
    public static string FileName(long basePosition, string suffix = FileSuffix) =>
        basePosition.ToString("D20", CultureInfo.InvariantCulture) + suffix;

    public static bool TryParseName(string name, out long basePosition)
    {
        basePosition = 0;
        return name.EndsWith(FileSuffix, StringComparison.Ordinal) && name.Length == 20 + FileSuffix.Length
            && long.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out basePosition);
    }

    public void Write(Span<byte> target)
    {
        target[..Size].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(target, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], Partition);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], StreamId);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], BasePosition);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], BaseSequence);
        BinaryPrimitives.WriteInt64LittleEndian(target[40..], LastOffset);
        BinaryPrimitives.WriteInt64LittleEndian(target[48..], LastTimeMs);
        BinaryPrimitives.WriteInt64LittleEndian(target[56..], CreatedMs);
        BinaryPrimitives.WriteUInt32LittleEndian(target[64..], PreviousCrc);
        var crc = Checksum.Compute(0, target[CoveredOffset..Size]);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], crc);
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out SegmentHeader header)
    {
        header = default;
        if (source.Length < Size || BinaryPrimitives.ReadUInt64LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[8..]) != Checksum.Compute(0, source[CoveredOffset..Size]))
            return false;
        header = new SegmentHeader
        {
            Partition = BinaryPrimitives.ReadInt32LittleEndian(source[12..]),
            StreamId = BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
            BasePosition = BinaryPrimitives.ReadInt64LittleEndian(source[24..]),
            BaseSequence = BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            LastOffset = BinaryPrimitives.ReadInt64LittleEndian(source[40..]),
            LastTimeMs = BinaryPrimitives.ReadInt64LittleEndian(source[48..]),
            CreatedMs = BinaryPrimitives.ReadInt64LittleEndian(source[56..]),
            PreviousCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[64..]),
        };
        return true;
    }
}
