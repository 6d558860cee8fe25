using System.Buffers.Binary;

namespace Hubbub.Storage.Events;

/// <summary>
/// The first bytes of a stored batch: everything that one commit wrote, in one write, under one checksum.
/// Layout in docs/storage-format.md. A batch without events is a seal: it proves that the batch before it was complete.
/// </summary>
internal readonly record struct BatchHeader
{
    public const int Size = 56;
    public const uint Magic = 0x48_42_75_48; // "HuBH" in file order
    private const ushort Version = 1;
    private const int ChecksumOffset = 4;
    private const int CoveredOffset = 8;

    public required uint Crc { get; init; }

    /// <summary>Bytes of the whole batch, header included.</summary>
    public required int Length { get; init; }
    public required int EventCount { get; init; }

    /// <summary>Where the batch stands in the partition; tells a batch from a stale or misplaced copy.</summary>
    public required long Position { get; init; }

    /// <summary>The first event's number (the next one's, in a seal).</summary>
    public required long BaseSequence { get; init; }
    public required long EnqueuedTimeMs { get; init; }

    /// <summary>The checksum of the batch before this one.</summary>
    public required uint PreviousCrc { get; init; }

    /// <summary>Where in the batch its last event begins; 0 in a seal.</summary>
    public required int LastEventOffset { get; init; }

    public long End => Position + Length;

    public long NextSequence => BaseSequence + EventCount;

    /// <summary>Reads a header without judging it beyond its magic number and bounds.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out BatchHeader header)
    {
        header = default;
        if (source.Length < Size || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(source[44..]) != Version)
            return false;
        header = new BatchHeader
        {
            Crc = BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumOffset..]),
            Length = BinaryPrimitives.ReadInt32LittleEndian(source[8..]),
            EventCount = BinaryPrimitives.ReadInt32LittleEndian(source[12..]),
            Position = BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
            BaseSequence = BinaryPrimitives.ReadInt64LittleEndian(source[24..]),
            EnqueuedTimeMs = BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            PreviousCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[40..]),
            LastEventOffset = BinaryPrimitives.ReadInt32LittleEndian(source[48..]),
        };
        return header.Length is >= Size and <= EventLogLimits.BatchBytesMax
            && header.EventCount >= 0 && (uint)header.LastEventOffset < (uint)header.Length;
    }

    /// <summary>Writes the header in front of a finished batch and returns it with its checksum.</summary>
    public static BatchHeader Seal(Span<byte> batch, uint seed, BatchHeader header)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(batch, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(batch[8..], header.Length);
        BinaryPrimitives.WriteInt32LittleEndian(batch[12..], header.EventCount);
        BinaryPrimitives.WriteInt64LittleEndian(batch[16..], header.Position);
        BinaryPrimitives.WriteInt64LittleEndian(batch[24..], header.BaseSequence);
        BinaryPrimitives.WriteInt64LittleEndian(batch[32..], header.EnqueuedTimeMs);
        BinaryPrimitives.WriteUInt32LittleEndian(batch[40..], header.PreviousCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(batch[44..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(batch[48..], header.LastEventOffset);
        BinaryPrimitives.WriteInt32LittleEndian(batch[52..], 0);
        var crc = ComputeCrc(batch[..header.Length], seed);
        BinaryPrimitives.WriteUInt32LittleEndian(batch[ChecksumOffset..], crc);
        return header with { Crc = crc };
    }

    /// <summary>The checksum of a whole batch: all but the magic number and the checksum itself.</summary>
    public static uint ComputeCrc(ReadOnlySpan<byte> batch, uint seed) =>
        Checksum.Compute(seed, batch[CoveredOffset..]);
}
