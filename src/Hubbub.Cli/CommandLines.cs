using System.Globalization;
using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>Received commands and feedback as lines, for people or as JSON; each is written out at once.</summary>
internal sealed class CommandLines(bool json) : IDisposable
{
    private readonly LineBuffer _lines = new();

    /// <exception cref="IOException">Nobody reads any more.</exception>
    public void Write(ReceivedCommand command, Stream output)
    {
        if (json)
            AddJson(command);
        else
            AddText(command);
        Flush(output);
    }

    /// <exception cref="IOException">Nobody reads any more.</exception>
    public void Write(CommandFeedback feedback, Stream output)
    {
        if (json)
            AddJson(feedback);
        else
            AddText(feedback);
        Flush(output);
    }

    public void Dispose() => _lines.Dispose();

    private void Flush(Stream output)
    {
        _lines.WriteTo(output);
        output.Flush();
    }

    private void AddText(ReceivedCommand command)
    {
        var again = command.DeliveryCount > 0
            ? string.Create(CultureInfo.InvariantCulture, $" (given back {command.DeliveryCount} times)")
            : "";
        var content = MessageText.OfContent(command.Properties, command.Body.Span);
        _lines.AddText(command.EnqueuedTime, string.Create(
            CultureInfo.InvariantCulture,
            $"{command.SequenceNumber} {MessageText.Of(command.MessageId)}{again}{content}"));
    }

    private void AddJson(ReceivedCommand command)
    {
        var (writer, message) = (_lines.BeginJson(), _lines.Json);
        message.WriteIfPresent("messageId", command.MessageId);
        message.WriteIfPresent("correlationId", command.CorrelationId);
        writer.WriteNumber("sequenceNumber", command.SequenceNumber);
        writer.WriteString("enqueuedTime", command.EnqueuedTime);
        writer.WriteNumber("deliveryCount", command.DeliveryCount);
        writer.WriteString("lockToken", command.LockToken);
        if (command.ExpiresAt is { } expiresAt)
            writer.WriteString("expiresAt", expiresAt);
        message.WriteIfPresent("to", command.To);
        message.WriteIfPresent("contentType", command.ContentType);
        message.WriteIfPresent("contentEncoding", command.ContentEncoding);
        message.WriteMap("properties", command.Properties);
        message.WriteBody(command.Body);
        _lines.EndJson();
    }

    private void AddText(CommandFeedback feedback)
    {
        var source = MessageText.OfSource(feedback.DeviceId, feedback.ModuleId);
        _lines.AddText(
            feedback.Time, $"{source} {MessageText.Of(feedback.Status)} {MessageText.Of(feedback.MessageId)}");
    }

    // The names are those of the record on the wire.
    private void AddJson(CommandFeedback feedback)
    {
        var (writer, message) = (_lines.BeginJson(), _lines.Json);
        writer.WriteString("originalMessageId", feedback.MessageId);
        writer.WriteString("statusCode", feedback.Status);
        writer.WriteString("deviceId", feedback.DeviceId);
        message.WriteIfPresent("moduleId", feedback.ModuleId);
        message.WriteIfPresent("deviceGenerationId", feedback.DeviceGenerationId);
        writer.WriteString("enqueuedTimeUtc", feedback.Time);
        _lines.EndJson();
    }
}
