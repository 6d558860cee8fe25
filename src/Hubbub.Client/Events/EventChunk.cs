using System.Buffers.Binary;
using Hubbub.Amqp.Engine;
using Hubbub.Client.Connections;

namespace Hubbub.Client.Events;

/// <summary>
/// Received messages, one behind the other in one array: [length:4][message]... It is written by the connection,
/// read by one reader, and then lives as long as an event in it: so it is not pooled.
/// </summary>
internal sealed class EventChunk(ReceivingLink link, int size)
{
    private const int HeadBytes = sizeof(int);
    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(size);
    private int _written;
    private int _read;
    private int _last;

    /// <summary>The link that they came on: none other can settle them.</summary>
    public ReceivingLink Link => link;

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
        _last = _written;
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
        message = At(_read);
        _read += SizeOf(message.Length);
        return true;
    }

    /// <summary>The newest message; only when there is one.</summary>
    public ReadOnlyMemory<byte> Last => At(_last);

    private ReadOnlyMemory<byte> At(int position) => _bytes.AsMemory(
        position + HeadBytes, BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(position)));
}
