using System.Buffers.Binary;
using Hubbub.Amqp.Engine;

namespace Hubbub.Client.Events;

/// <summary>
/// Received messages, one behind the other in one array: [length:4][message]... It is written by the connection,
/// read by one reader, and then lives as long as an event in it: so it is not pooled.
/// </summary>
internal sealed class EventChunk(int size)
{
    private const int HeadBytes = sizeof(int);
    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(size);
    private int _written;
    private int _read;

    /// <summary>Bytes of the array.</summary>
    public int Size => _bytes.Length;

    /// <summary>Bytes written.</summary>
    public int Written => _written;

    /// <summary>Messages in it.</summary>
    public uint Count { get; private set; }

    /// <summary>How many of them came settled.</summary>
    public uint SettledCount { get; private set; }

    /// <summary>First and last delivery-id of those that did not.</summary>
    public (uint First, uint Last)? Unsettled { get; private set; }

    /// <summary>Bytes that a message of this size takes up.</summary>
    public static int SizeOf(int messageBytes) => HeadBytes + messageBytes;

    /// <summary>Appends a message; false when there is no room.</summary>
    public bool TryAdd(in IncomingDelivery delivery)
    {
        var payload = delivery.Payload.Span;
        var free = _bytes.AsSpan(_written);
        if (free.Length < SizeOf(payload.Length))
            return false;
        BinaryPrimitives.WriteInt32LittleEndian(free, payload.Length);
        payload.CopyTo(free[HeadBytes..]);
        _written += SizeOf(payload.Length);
        Count++;
        if (delivery.Settled)
            SettledCount++;
        else
            Unsettled = (Unsettled?.First ?? delivery.Id, delivery.Id);
        return true;
    }

    /// <summary>Takes the next message out.</summary>
    public bool TryRead(out ReadOnlyMemory<byte> message)
    {
        message = default;
        if (_read == _written)
            return false;
        var length = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(_read));
        message = _bytes.AsMemory(_read + HeadBytes, length);
        _read += SizeOf(length);
        return true;
    }
}
