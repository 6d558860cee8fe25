using System.Buffers;

namespace Hubbub.Amqp.Codec;

/// <summary>
/// Finds a key that a map holds twice (AMQP 1.6.23 forbids it), in one pass over the map: few keys are compared with
/// one another, many are sorted by a hash first. Two encodings of one text are the same key.
/// </summary>
internal ref struct MapKeys
{
    /// <summary>Up to here all pairs are compared: a message has about 5 keys, and then nothing beats that.</summary>
    internal const int FewMax = 16;

    private readonly ulong[]? _rented;
    private readonly Span<ulong> _entries;
    private int _count;

    /// <summary>Starts a map of <paramref name="pairs"/> keys.</summary>
    /// <param name="pairs">Keys to come; the caller has checked that so many bytes are there.</param>
    /// <param name="few">Room for <see cref="FewMax"/> entries on the caller's stack.</param>
    internal MapKeys(int pairs, Span<ulong> few)
    {
        if (pairs > FewMax)
            _entries = _rented = ArrayPool<ulong>.Shared.Rent(pairs);
        else
            _entries = few;
    }

    /// <summary>Adds the key that lies from <paramref name="start"/> to <paramref name="end"/>.</summary>
    internal void Add(ReadOnlySpan<byte> bytes, int start, int end)
    {
        if (_rented is not null)
        {
            // HashCode is seeded at random in each process, so nobody can prepare keys that share a hash.
            var hash = new HashCode();
            hash.AddBytes(Content(bytes[start..end]));
            _entries[_count++] = ((ulong)(uint)hash.ToHashCode() << 32) | (uint)start;
            return;
        }
        var key = bytes[start..end];
        for (var i = 0; i < _count; i++)
        {
            var other = bytes[(int)(_entries[i] >> 32)..(int)(uint)_entries[i]];
            if (IsSame(key, other))
                throw Duplicate();
        }
        _entries[_count++] = ((ulong)(uint)start << 32) | (uint)end;
    }

    /// <summary>Throws when a key was added twice. Few keys were compared on the way in.</summary>
    internal readonly void Check(ReadOnlySpan<byte> bytes)
    {
        if (_rented is null)
            return;
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

    /// <summary>Gives back what was rented.</summary>
    internal readonly void Release()
    {
        if (_rented is not null)
            ArrayPool<ulong>.Shared.Return(_rented);
    }

    private static ReadOnlySpan<byte> KeyAt(ReadOnlySpan<byte> bytes, ulong entry)
    {
        var start = (int)(uint)entry;
        return bytes[start..ValueScanner.Skip(bytes, start)];
    }

    private static bool IsSame(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        Type(left[0]) == Type(right[0]) && Content(left).SequenceEqual(Content(right));

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
