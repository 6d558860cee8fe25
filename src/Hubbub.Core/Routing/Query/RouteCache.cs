using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// What messages of any sender came to, by the bytes of the parts that count: fleets send the same few properties again
/// and again. For tables whose conditions ask nothing of the sender. One a thread, of fixed size.
/// </summary>
internal sealed class RouteCache
{
    private const int PartCount = 3;
    private const ulong Mixer = 0x9E37_79B9_7F4A_7C15;

    /// <summary>After so many misses in a row the properties are taken to be different each time.</summary>
    private const int MissesMax = 512;

    /// <summary>How many messages it then takes until the cache is tried again.</summary>
    private const int Rest = 16_384;

    [ThreadStatic]
    private static RouteCache? t_current;

    private readonly byte[] _bytes = new byte[RoutingLimits.CacheSlots * RoutingLimits.CacheSlotBytes];
    private readonly Entry[] _entries = new Entry[RoutingLimits.CacheSlots];
    private ulong _hash;
    private int _turn;
    private int _misses;

    /// <summary>The thread's own.</summary>
    public static RouteCache Current => t_current ??= new RouteCache();

    /// <summary>
    /// The result for a message that is alike in all that counts. A miss is followed by <see cref="Set"/>.
    /// </summary>
    public bool TryFind<TMessage>(object owner, MessageParts parts, scoped ref TMessage message, out ulong result)
        where TMessage : struct, IMessageView, allows ref struct
    {
        result = 0;
        if (_misses > MissesMax)
            return false;
        _hash = HashOf(parts, ref message);
        var first = FirstSlotOf(_hash);
        for (var slot = first; slot < first + RoutingLimits.CacheWays; slot++)
        {
            ref readonly var entry = ref _entries[slot];
            if (entry.Hash != _hash || entry.Owner != owner || !IsAlike(slot, parts, ref message))
                continue;
            result = entry.Result;
            _misses = 0;
            return true;
        }
        return false;
    }

    /// <summary>Remembers the result of the message that was just not found.</summary>
    public void Set<TMessage>(object owner, MessageParts parts, scoped ref TMessage message, ulong result)
        where TMessage : struct, IMessageView, allows ref struct
    {
        if (++_misses > MissesMax)
        {
            if (_misses >= MissesMax + Rest)
                _misses = 0;
            return;
        }
        var slot = SlotToReplace(owner);
        // The owner comes last: an entry half written belongs to nobody.
        _entries[slot] = default;
        var rest = _bytes.AsSpan(slot * RoutingLimits.CacheSlotBytes, RoutingLimits.CacheSlotBytes);
        for (var part = 0; part < PartCount; part++)
        {
            if (((int)parts & (1 << part)) == 0)
                continue;
            var bytes = message.BytesOf((MessagePart)part);
            if (sizeof(int) + bytes.Length > rest.Length)
                return;
            BinaryPrimitives.WriteInt32LittleEndian(rest, bytes.Length);
            bytes.CopyTo(rest[sizeof(int)..]);
            rest = rest[(sizeof(int) + bytes.Length)..];
        }
        _entries[slot] = new Entry(owner, _hash, result);
    }

    /// <summary>One of the places where a hash may be that holds nothing of use; otherwise they take turns.</summary>
    private int SlotToReplace(object owner)
    {
        var first = FirstSlotOf(_hash);
        for (var slot = first; slot < first + RoutingLimits.CacheWays; slot++)
        {
            if (_entries[slot].Owner != owner)
                return slot;
        }
        return first + (_turn++ & (RoutingLimits.CacheWays - 1));
    }

    private static int FirstSlotOf(ulong hash) =>
        (int)(hash >> 32) & (RoutingLimits.CacheSlots - 1) & ~(RoutingLimits.CacheWays - 1);

    private bool IsAlike<TMessage>(int slot, MessageParts parts, scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var rest = _bytes.AsSpan(slot * RoutingLimits.CacheSlotBytes, RoutingLimits.CacheSlotBytes);
        for (var part = 0; part < PartCount; part++)
        {
            if (((int)parts & (1 << part)) == 0)
                continue;
            var bytes = message.BytesOf((MessagePart)part);
            if (sizeof(int) + bytes.Length > rest.Length
                || BinaryPrimitives.ReadInt32LittleEndian(rest) != bytes.Length
                || !rest.Slice(sizeof(int), bytes.Length).SequenceEqual(bytes))
                return false;
            rest = rest[(sizeof(int) + bytes.Length)..];
        }
        return true;
    }

    /// <summary>
    /// Eight bytes at a time. Senders can make it collide, which costs them nothing and gains them nothing: a hash has
    /// few places, and the bytes there are compared.
    /// </summary>
    private static ulong HashOf<TMessage>(MessageParts parts, scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var hash = Mixer;
        for (var part = 0; part < PartCount; part++)
        {
            if (((int)parts & (1 << part)) == 0)
                continue;
            var bytes = message.BytesOf((MessagePart)part);
            hash = (hash ^ (uint)bytes.Length) * Mixer;
            var words = MemoryMarshal.Cast<byte, ulong>(bytes);
            foreach (var word in words)
                hash = BitOperations.RotateLeft((hash ^ word) * Mixer, 29);
            foreach (var last in bytes[(words.Length * sizeof(ulong))..])
                hash = BitOperations.RotateLeft((hash ^ last) * Mixer, 29);
        }
        return hash ^ (hash >> 29);
    }

    /// <param name="Owner">The table that gave the result; a table that is replaced finds none of it.</param>
    private readonly record struct Entry(object? Owner, ulong Hash, ulong Result);
}
