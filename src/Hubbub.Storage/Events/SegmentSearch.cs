using System.Buffers;
using System.Buffers.Binary;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>Looks through a segment's file beyond a part that cannot be read.</summary>
internal static class SegmentSearch
{
    /// <summary>The first readable batch from a position on.</summary>
    /// <param name="file">The segment's file.</param>
    /// <param name="checksumSeed">The partition's seed.</param>
    /// <param name="basePosition">The position of the file's first byte.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="end">Where the segment ends.</param>
    /// <param name="minSequence">Batches with a lower number are older than what was read and do not count.</param>
    public static BatchHeader? FindBatch(
        IStorageFile file, uint checksumSeed, long basePosition, long from, long end, long minSequence)
    {
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, BatchHeader.Magic);
        var window = new BatchWindow(checksumSeed, EventLogLimits.ReadBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(EventLogLimits.ScanBytes);
        try
        {
            for (var position = from; position < end;)
            {
                position = Math.Max(position, basePosition + file.SeekData(position - basePosition));
                var wanted = (int)Math.Min(EventLogLimits.ScanBytes, end - position);
                if (wanted < BatchHeader.Size)
                    return null;
                var read = file.Read(buffer.AsSpan(0, wanted), position - basePosition);
                var at = buffer.AsSpan(0, read).IndexOf(magic);
                if (at < 0)
                {
                    // The magic number may begin in the last bytes of this piece.
                    if (read < BatchHeader.Size)
                        return null;
                    position += read - magic.Length + 1;
                    continue;
                }
                position += at;
                window.Expect();
                if (window.Load(file, basePosition, position, end)
                    && BatchHeader.TryRead(window.Buffer, out var header) && header.BaseSequence >= minSequence)
                    return header;
                position++;
            }
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            window.Release();
        }
    }

    /// <summary>True when nothing but zeros stands from a position on.</summary>
    public static bool IsBlank(IStorageFile file, long offset)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(EventLogLimits.ScanBytes);
        try
        {
            while (true)
            {
                offset = file.SeekData(offset);
                var read = file.Read(buffer, offset);
                if (read == 0)
                    return true;
                if (buffer.AsSpan(0, read).IndexOfAnyExcept((byte)0) >= 0)
                    return false;
                offset += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
