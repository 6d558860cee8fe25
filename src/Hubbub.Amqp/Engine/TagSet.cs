using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// The tags of a link's unsettled deliveries (AMQP 2.6.12: unique among them), as 64-bit keys in an open-addressed
/// table. Keys are mixed with a random value of the process, so a peer cannot choose collisions.
/// </summary>
internal sealed class TagSet
{
    private const int InitialCapacity = 16;
    private static readonly ulong Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
    private ulong[] _slots = [];
    private int _count;

    /// <summary>The key of a tag of at most 32 bytes; never 0.</summary>
    public static ulong KeyOf(ReadOnlySpan<byte> tag)
    {
        // The length is mixed in by itself: as a part of the first word, zeros behind a tag would look like another
        // bit.
        var hash = Mix(Seed ^ (ulong)tag.Length);
        Span<byte> word = stackalloc byte[8];
        while (tag.Length >= 8)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(tag));
            tag = tag[8..];
        }
        if (!tag.IsEmpty)
        {
            word.Clear();
            tag.CopyTo(word);
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(word));
        }
        return hash == 0 ? 1 : hash;
    }

    /// <summary>Adds a key; false when it is there already.</summary>
    public bool Add(ulong key)
    {
        if (_count * 2 >= _slots.Length)
            Resize(Math.Max(InitialCapacity, _slots.Length * 2));
        var mask = (uint)_slots.Length - 1;
        for (var i = (uint)key & mask; ; i = (i + 1) & mask)
        {
            if (_slots[i] == key)
                return false;
            if (_slots[i] == 0)
            {
                _slots[i] = key;
                _count++;
                return true;
            }
        }
    }

    /// <summary>Removes a key by shifting its run back, so that no tombstones gather.</summary>
    public void Remove(ulong key)
    {
        if (_count == 0)
            return;
        var mask = (uint)_slots.Length - 1;
        var hole = (uint)key & mask;
        while (_slots[hole] != key)
        {
            if (_slots[hole] == 0)
                return;
            hole = (hole + 1) & mask;
        }
        _count--;
        for (var i = (hole + 1) & mask; _slots[i] != 0; i = (i + 1) & mask)
        {
            var home = (uint)_slots[i] & mask;
            if (((i - home) & mask) < ((i - hole) & mask))
                continue;
            _slots[hole] = _slots[i];
            hole = i;
        }
        _slots[hole] = 0;
    }

    private static ulong Mix(ulong value)
    {
        // Multiply-xorshift rounds with full avalanche over the low bits, which choose the slot. Every step can be
        // undone, so that no bit of the word is lost.
        value *= 0x9E37_79B9_7F4A_7C15;
        value ^= value >> 32;
        value *= 0xD6E8_FEB8_6659_FD93;
        return value ^ (value >> 32);
    }

    private void Resize(int capacity)
    {
        var old = _slots;
        _slots = new ulong[capacity];
        var mask = (uint)capacity - 1;
        foreach (var key in old)
        {
            if (key == 0)
                continue;
            var i = (uint)key & mask;
            while (_slots[i] != 0)
                i = (i + 1) & mask;
            _slots[i] = key;
        }
    }
}
