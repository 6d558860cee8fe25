using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Events;

namespace Hubbub.Server.Amqp;

/// <summary>
/// The one way of a device's message into the log, whichever protocol it came by: checked, taken apart into what is
/// stored, appended. A batch is appended as a whole or not at all.
/// </summary>
internal static class TelemetryIngest
{
    /// <param name="partition">The device's partition.</param>
    /// <param name="producer">Whose events they are; told when the commit is done.</param>
    /// <param name="messageFormat">One message (0), or the batch format.</param>
    /// <param name="payload">The encoded message.</param>
    /// <param name="count">How many events it was.</param>
    /// <param name="problem">Why it was refused, when the result is negative.</param>
    /// <returns>The commit that holds the events; negative when they were refused.</returns>
    public static long Append(
        IEventPartition partition, EventProducer producer, uint messageFormat, ReadOnlyMemory<byte> payload,
        out int count, out MessageProblem problem)
    {
        count = 0;
        problem = default;
        switch (messageFormat)
        {
            case MessageFormats.Amqp:
                return AppendMessage(partition, producer, payload, out count, out problem);
            case MessageFormats.Batch:
                return AppendBatch(partition, producer, payload, out count, out problem);
            default:
                problem = new MessageProblem(
                    ErrorCondition.NotImplemented, $"Message format 0x{messageFormat:x} is not supported.");
                return -1;
        }
    }

    private static long AppendMessage(
        IEventPartition partition, EventProducer producer, ReadOnlyMemory<byte> payload, out int count,
        out MessageProblem problem)
    {
        count = 1;
        var scratch = TelemetryMessage.Current;
        if (!MessageSections.TryRead(payload, SectionOrder.Strict, out var sections, out problem)
            || !IsWithinSize(payload.Length, sections, out problem)
            || !scratch.TryRead(sections, out problem))
            return -1;
        return Result(
            partition.Append(producer, scratch.Annotations, scratch.AnnotationCount, scratch.Sections.Span), out problem);
    }

    private static long AppendBatch(
        IEventPartition partition, EventProducer producer, ReadOnlyMemory<byte> payload, out int count,
        out MessageProblem problem)
    {
        count = 0;
        if (!MessageSections.TryRead(payload, SectionOrder.Lenient, out var envelope, out problem, MessageFormats.Batch))
            return -1;
        if (envelope.Body != BodyKind.Data)
        {
            problem = new MessageProblem(
                ErrorCondition.DecodeError, "A batch holds data sections, a message each; there is none.");
            return -1;
        }
        if (envelope.BodySectionCount > HubAmqpLimits.TelemetryBatchMessagesMax)
        {
            problem = new MessageProblem(
                ErrorCondition.MessageSizeExceeded,
                $"The batch has {envelope.BodySectionCount} messages; "
                + $"{HubAmqpLimits.TelemetryBatchMessagesMax} are allowed.");
            return -1;
        }
        var scratch = TelemetryMessage.Current;
        var batch = scratch.TakeBatch();
        var appended = TryFill(batch, scratch, envelope, payload.Length, out problem)
            ? Result(partition.Append(producer, batch), out problem)
            : -1;
        count = batch.Count;
        scratch.Return(payload.Length);
        return appended;
    }

    private static bool TryFill(
        EventBatch batch, TelemetryMessage scratch, in MessageSections envelope, int encodedLength,
        out MessageProblem problem)
    {
        long size = 0;
        foreach (var item in envelope.Data)
        {
            if (!MessageSections.TryRead(item, SectionOrder.Lenient, out var sections, out problem)
                || !scratch.TryRead(sections, out problem))
            {
                problem = problem with { Text = $"Message {batch.Count} of the batch: {problem.Text}" };
                return false;
            }
            size += encodedLength > HubAmqpLimits.TelemetrySizeBytesMax ? TelemetrySize.Of(sections) : 0;
            batch.Add(scratch.Annotations, scratch.AnnotationCount, scratch.Sections.Span);
        }
        problem = size > HubAmqpLimits.TelemetrySizeBytesMax ? TooLarge(size) : default;
        return size <= HubAmqpLimits.TelemetrySizeBytesMax;
    }

    private static bool IsWithinSize(int encodedLength, in MessageSections sections, out MessageProblem problem)
    {
        problem = default;
        // What fits with its encoding fits without.
        if (encodedLength <= HubAmqpLimits.TelemetrySizeBytesMax)
            return true;
        var size = TelemetrySize.Of(sections);
        if (size <= HubAmqpLimits.TelemetrySizeBytesMax)
            return true;
        problem = TooLarge(size);
        return false;
    }

    private static long Result(HubResult<long> appended, out MessageProblem problem)
    {
        problem = default;
        if (appended.Error is not { } error)
            return appended.Value;
        problem = new MessageProblem(AmqpErrors.ConditionOf(error.Code), error.Message);
        return -1;
    }

    private static MessageProblem TooLarge(long size) => new(
        ErrorCondition.MessageSizeExceeded,
        $"Message size is {size} bytes which is greater than the max size {HubAmqpLimits.TelemetrySizeBytesMax} "
        + "bytes allowed.");
}
