namespace Hubbub.Amqp.Codec;

/// <summary>
/// Finds a key that a map holds twice (AMQP 1.6.23 forbids it), in one pass over the map: few keys are compared with
/// one another, many are sorted by a hash first. Two encodings of one text are the same key.
/// </summary>
/// <param name="entries">Room for all keys of the map, on the stack or rented.</param>
internal ref struct MapKeys(Span<ulong> entries)
{
    /// <summary>Up to here all pairs are compared: a message has about 5 keys, and then nothing beats that.</summary>
    internal const int FewMax = 16;

    private readonly Span<ulong> _entries = entries;
    private int _count;

    /// <summary>Adds one of few keys and compares it with those before.</summary>
    internal void AddCompared(ReadOnlySpan<byte> bytes, int start, int end)
    {
        var key = bytes[start..end];
        for (var i = 0; i < _count; i++)
        {
            var other = bytes[(int)(_entries[i] >> 32)..(int)(uint)_entries[i]];
            if (IsSame(key, other))
                throw Duplicate();
        }
        _entries[_count++] = ((ulong)(uint)start << 32) | (uint)end;
    }

    /// <summary>Adds one of many keys.</summary>
    internal void AddHashed(ReadOnlySpan<byte> bytes, int start, int end)
    {
        // HashCode is seeded at random in each process, so nobody can prepare keys that share a hash.
        var hash = new HashCode();
        hash.AddBytes(Content(bytes[start..end]));
        _entries[_count++] = ((ulong)(uint)hash.ToHashCode() << 32) | (uint)start;
    }

    /// <summary>Compares those of the many keys that share a hash.</summary>
    internal readonly void CheckHashed(ReadOnlySpan<byte> bytes)
    {
        var entries = _entries[.._count];
        entries.Sort();
        for (var i = 0; i < entries.Length; i++)
        {
            for (var j = i + 1; j < entries.Length && entries[j] >> 32 == entries[i] >> 32; j++)
            {
                if (IsSame(KeyAt(bytes, entries[i]), KeyAt(bytes, entries[j])))
                    throw Duplicate();
            }
        }
    }

    private static ReadOnlySpan<byte> KeyAt(ReadOnlySpan<byte> bytes, ulong entry)
    {
        var start = (int)(uint)entry;
        return bytes[start..ValueScanner.Skip(bytes, start)];
    }

    private static bool IsSame(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var leftContent = Content(left);
        var rightContent = Content(right);
        return leftContent.Length == rightContent.Length
            && Type(left[0]) == Type(right[0])
            && leftContent.SequenceEqual(rightContent);
    }

    /// <summary>Binary, string and symbol have two encodings each: a8 and b8 are one type.</summary>
    private static byte Type(byte code) => (code & 0xF0) == 0xB0 ? (byte)(code - 0x10) : code;

    private static AmqpException Duplicate() => AmqpException.Decode("a map holds a key twice");

    private static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> key) => (key[0] & 0xF0) switch
    {
        0xA0 => key[2..],
        0xB0 => key[5..],
        _ => key,
    };
}
