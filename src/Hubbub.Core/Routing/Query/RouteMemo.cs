using System.Buffers.Binary;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// What the last message of one sender came to: a device mostly sends the same properties again and again, and then
/// one comparison of bytes takes the place of all conditions. Not safe for concurrent use; belongs to one link.
/// </summary>
public sealed class RouteMemo
{
    private const int PartCount = 3;

    /// <summary>After so many misses in a row the properties are taken to be different each time.</summary>
    private const int MissesMax = 16;

    /// <summary>How many messages it then takes until the memo is tried again.</summary>
    private const int Rest = 1024;

    private byte[] _bytes = [];
    private int _length;
    private object? _owner;
    private ulong _result;
    private int _misses;

    /// <summary>Forgets what it holds, because the sender is described anew.</summary>
    public void Clear() => _owner = null;

    /// <summary>The result for a message that is alike in all that counts.</summary>
    /// <param name="owner">Who gave the result.</param>
    /// <param name="parts">What counts.</param>
    /// <param name="message">The message.</param>
    /// <param name="result">What was remembered.</param>
    public bool TryFind<TMessage>(object owner, MessageParts parts, scoped ref TMessage message, out ulong result)
        where TMessage : struct, IMessageView, allows ref struct
    {
        result = _result;
        if (_owner != owner || _misses > MissesMax)
            return false;
        var rest = _bytes.AsSpan(0, _length);
        for (var part = 0; part < PartCount; part++)
        {
            if (((int)parts & (1 << part)) == 0)
                continue;
            var bytes = message.BytesOf((MessagePart)part);
            if (BinaryPrimitives.ReadInt32LittleEndian(rest) != bytes.Length
                || !rest.Slice(sizeof(int), bytes.Length).SequenceEqual(bytes))
                return false;
            rest = rest[(sizeof(int) + bytes.Length)..];
        }
        _misses = 0;
        return true;
    }

    /// <summary>Remembers a result that was not found.</summary>
    public void Set<TMessage>(object owner, MessageParts parts, scoped ref TMessage message, ulong result)
        where TMessage : struct, IMessageView, allows ref struct
    {
        if (++_misses > MissesMax)
        {
            if (_misses < Rest)
                return;
            _misses = 0;
        }
        _owner = null;
        var length = 0;
        for (var part = 0; part < PartCount; part++)
        {
            if (((int)parts & (1 << part)) == 0)
                continue;
            var bytes = message.BytesOf((MessagePart)part);
            var end = length + sizeof(int) + bytes.Length;
            if (end > RoutingLimits.MemoBytesMax)
                return;
            if (end > _bytes.Length)
                Array.Resize(ref _bytes, Math.Min(RoutingLimits.MemoBytesMax, end * 2));
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(length), bytes.Length);
            bytes.CopyTo(_bytes.AsSpan(length + sizeof(int)));
            length = end;
        }
        (_owner, _length, _result) = (owner, length, result);
    }
}
