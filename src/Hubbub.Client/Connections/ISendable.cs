using Hubbub.Amqp.Codec;

namespace Hubbub.Client.Connections;

/// <summary>What a link can send: a message, a batch, a request.</summary>
internal interface ISendable
{
    /// <summary>transfer.message-format.</summary>
    uint MessageFormat { get; }

    /// <summary>Appends the encoded message.</summary>
    void Encode(ByteBuffer buffer);
}
