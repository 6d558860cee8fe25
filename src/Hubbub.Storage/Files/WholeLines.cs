namespace Hubbub.Storage.Files;

/// <summary>
/// Finds where the good part of a file of lines ends. After a power cut the end of a file may lack any of its sectors,
/// so that its last byte may be a line feed although a line before it is spoiled.
/// </summary>
internal static class WholeLines
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>No event is nearly as long; what is, was never a line of ours.</summary>
    private const int LineBytesMax = 16 * 1024 * 1024;

    /// <summary>The position behind the last of the lines, from the first on, that are all whole.</summary>
    public static long EndOf(IStorageFile file, Predicate<ReadOnlyMemory<byte>> isWhole)
    {
        var buffer = new byte[BufferBytes];
        long position = 0;
        while (true)
        {
            var read = file.Read(buffer, position);
            var used = 0;
            while (buffer.AsSpan(used, read - used).IndexOf((byte)'\n') is >= 0 and var length)
            {
                if (!isWhole(buffer.AsMemory(used, length)))
                    return position + used;
                used += length + 1;
            }
            position += used;
            if (read < buffer.Length)
                return position;
            if (used > 0)
                continue;
            if (buffer.Length >= LineBytesMax)
                return position;
            buffer = new byte[buffer.Length * 2];
        }
    }
}
