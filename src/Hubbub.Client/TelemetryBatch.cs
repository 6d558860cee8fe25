using System.Diagnostics;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client;

/// <summary>
/// Messages that travel as one delivery (message-format 0x80013700): a data section each, which holds the encoded
/// message. As many as a hub takes at once.
/// </summary>
internal sealed class TelemetryBatch : ISendable
{
    /// <summary>Descriptor, format code and size of a data section at most.</summary>
    private const int SectionOverheadBytes = 8;

    private readonly ByteBuffer _sections = new();

    public int Count { get; private set; }

    public uint MessageFormat => MessageFormats.Batch;

    public void Encode(ByteBuffer buffer) => buffer.Write(_sections.WrittenSpan);

    /// <summary>Splits the messages into batches, in order.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="address">Where they go; for the error text.</param>
    /// <param name="sizeMax">Bytes that the hub takes at once.</param>
    /// <param name="activity">The trace that they belong to; null for none.</param>
    /// <exception cref="HubbubException">One message alone is larger than the hub takes; nothing has been
    /// sent.</exception>
    public static List<TelemetryBatch> Split(
        IEnumerable<TelemetryMessage> messages, string address, int sizeMax, Activity? activity)
    {
        var batches = new List<TelemetryBatch>();
        using var one = new ByteBuffer();
        foreach (var message in messages)
        {
            one.Clear();
            message.Encode(one, activity);
            var size = one.Length + SectionOverheadBytes;
            if (size > sizeMax)
            {
                throw new HubbubException(
                    ErrorCondition.MessageSizeExceeded,
                    $"message {batches.Sum(batch => batch.Count) + 1} of the batch has {one.Length} bytes; "
                    + $"{sizeMax - SectionOverheadBytes} fit",
                    address);
            }
            if (batches.Count == 0 || !batches[^1].HasRoom(size, sizeMax))
                batches.Add(new TelemetryBatch());
            batches[^1].Add(one.WrittenSpan);
        }
        return batches;
    }

    private bool HasRoom(int size, int sizeMax) =>
        Count < ClientLimits.BatchMessagesMax && _sections.Length + size <= sizeMax;

    private void Add(ReadOnlySpan<byte> message)
    {
        var writer = new AmqpWriter(_sections);
        writer.WriteDataSection(message);
        Count++;
    }
}
