using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// The delivery of a link of which more transfers are to come (AMQP 2.6.14), with what has come of it.
/// </summary>
internal struct PartialDelivery
{
    private ByteBuffer? _bytes;
    private byte[]? _tag;
    private int _tagLength;

    /// <summary>The fields of the first transfer stay readable until the next one starts.</summary>
    public uint Id { get; private set; }

    public uint MessageFormat { get; private set; }

    public ulong TagKey { get; private set; }

    public bool IsSettled { get; set; }

    public int Transfers { get; set; }

    /// <summary>True while more transfers are to come.</summary>
    public readonly bool IsActive => _bytes is not null;

    public readonly int Length => _bytes?.Length ?? 0;

    public readonly ReadOnlyMemory<byte> Tag => _tag.AsMemory(0, _tagLength);

    public void Start(ByteBuffer buffer, in Transfer first, bool settled, ulong tagKey)
    {
        _bytes = buffer;
        Id = first.DeliveryId.GetValueOrDefault();
        MessageFormat = first.MessageFormat ?? 0;
        IsSettled = settled;
        TagKey = tagKey;
        Transfers = 1;
        var tag = first.DeliveryTag.GetValueOrDefault().Span;
        if (_tag is null || _tag.Length < tag.Length)
            _tag = new byte[tag.Length];
        tag.CopyTo(_tag);
        _tagLength = tag.Length;
    }

    public readonly void Append(ReadOnlySpan<byte> payload, AmqpConnection connection)
    {
        _bytes!.Write(payload);
        connection.PartialBytes += payload.Length;
    }

    /// <summary>Gives the joined message, which is valid until the connection takes its next input.</summary>
    public ReadOnlyMemory<byte> Finish(AmqpConnection connection)
    {
        var bytes = _bytes!;
        _bytes = null;
        connection.PartialBytes -= bytes.Length;
        connection.ReturnBufferLater(bytes);
        return bytes.WrittenMemory;
    }

    /// <summary>Forgets what has come.</summary>
    public void Drop(AmqpConnection connection)
    {
        if (_bytes is null)
            return;
        connection.PartialBytes -= _bytes.Length;
        connection.ReturnBuffer(_bytes);
        _bytes = null;
    }
}
