namespace Hubbub.Amqp.Messages;

/// <summary>The values of transfer.message-format that mean something here.</summary>
public static class MessageFormats
{
    /// <summary>An AMQP message (AMQP 3.2.16).</summary>
    public const uint Amqp = 0;

    /// <summary>The Azure batch format: each data section holds one encoded message.</summary>
    public const uint Batch = 0x8001_3700;
}
