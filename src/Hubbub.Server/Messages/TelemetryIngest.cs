using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Server.Routing;

namespace Hubbub.Server.Messages;

/// <summary>
/// The one way of a device's message into the streams that it goes to, whichever protocol it came by: checked, taken
/// apart into what is stored, appended. A batch is appended to each stream as a whole or not at all.
/// </summary>
internal static class TelemetryIngest
{
    /// <param name="routes">The sender's ways into the streams; they know the commits afterwards.</param>
    /// <param name="messageFormat">One message (0), or the batch format.</param>
    /// <param name="payload">The encoded message.</param>
    /// <param name="count">How many events it was.</param>
    /// <param name="problem">Why it was refused, when the result is false.</param>
    public static bool Append(
        SenderRoutes routes, uint messageFormat, ReadOnlyMemory<byte> payload, out int count,
        out MessageProblem problem)
    {
        count = 0;
        problem = default;
        switch (messageFormat)
        {
            case MessageFormats.Amqp:
                return AppendMessage(routes, payload, out count, out problem);
            case MessageFormats.Batch:
                return AppendBatch(routes, payload, out count, out problem);
            default:
                problem = new MessageProblem(
                    ErrorCondition.NotImplemented, $"Message format 0x{messageFormat:x} is not supported.");
                return false;
        }
    }

    private static bool AppendMessage(
        SenderRoutes routes, ReadOnlyMemory<byte> payload, out int count, out MessageProblem problem)
    {
        count = 1;
        var scratch = TelemetryMessage.Current;
        return MessageSections.TryRead(payload, SectionOrder.Strict, out var sections, out problem)
            && IsWithinSize(payload.Length, sections, out problem)
            && scratch.TryRead(sections, out problem)
            && IsTaken(routes.Append(in sections, scratch), out problem);
    }

    private static bool AppendBatch(
        SenderRoutes routes, ReadOnlyMemory<byte> payload, out int count, out MessageProblem problem)
    {
        count = 0;
        if (!MessageSections.TryRead(
            payload, SectionOrder.Lenient, out var envelope, out problem, MessageFormats.Batch))
            return false;
        if (envelope.Body != BodyKind.Data)
        {
            problem = new MessageProblem(
                ErrorCondition.DecodeError, "A batch holds data sections, a message each; there is none.");
            return false;
        }
        if (envelope.BodySectionCount > MessageLimits.TelemetryBatchMessagesMax)
        {
            problem = new MessageProblem(
                ErrorCondition.MessageSizeExceeded,
                $"The batch has {envelope.BodySectionCount} messages; "
                + $"{MessageLimits.TelemetryBatchMessagesMax} are allowed.");
            return false;
        }
        count = envelope.BodySectionCount;
        routes.BeginBatch();
        var isTaken = TryFill(routes, envelope, payload.Length, out problem)
            && IsTaken(routes.AppendBatch(), out problem);
        SenderRoutes.EndBatch(payload.Length);
        return isTaken;
    }

    private static bool TryFill(
        SenderRoutes routes, in MessageSections envelope, int encodedLength, out MessageProblem problem)
    {
        var scratch = TelemetryMessage.Current;
        long size = 0;
        var count = 0;
        foreach (var item in envelope.Data)
        {
            if (!MessageSections.TryRead(item, SectionOrder.Lenient, out var sections, out problem)
                || !scratch.TryRead(sections, out problem))
            {
                problem = problem with { Text = $"Message {count} of the batch: {problem.Text}" };
                return false;
            }
            size += encodedLength > MessageLimits.TelemetrySizeBytesMax ? TelemetrySize.Of(sections) : 0;
            routes.AddToBatch(in sections, scratch);
            count++;
        }
        problem = size > MessageLimits.TelemetrySizeBytesMax ? TooLarge(size) : default;
        return size <= MessageLimits.TelemetrySizeBytesMax;
    }

    private static bool IsWithinSize(int encodedLength, in MessageSections sections, out MessageProblem problem)
    {
        problem = default;
        // What fits with its encoding fits without.
        if (encodedLength <= MessageLimits.TelemetrySizeBytesMax)
            return true;
        var size = TelemetrySize.Of(sections);
        if (size <= MessageLimits.TelemetrySizeBytesMax)
            return true;
        problem = TooLarge(size);
        return false;
    }

    private static bool IsTaken(HubError? refusal, out MessageProblem problem)
    {
        problem = refusal is null ? default : new MessageProblem(Conditions.Of(refusal.Code), refusal.Message);
        return refusal is null;
    }

    private static MessageProblem TooLarge(long size) => new(
        ErrorCondition.MessageSizeExceeded,
        $"Message size is {size} bytes which is greater than the max size {MessageLimits.TelemetrySizeBytesMax} "
        + "bytes allowed.");
}
