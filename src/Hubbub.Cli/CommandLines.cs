using System.Buffers;
using System.Globalization;
using System.Text;
using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>Received commands and feedback as lines, for people or as JSON; each is written out at once.</summary>
internal sealed class CommandLines(bool json) : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly MessageJson _json = new();

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

    public void Dispose() => _json.Dispose();

    private void Flush(Stream output)
    {
        _buffer.Write("\n"u8);
        try
        {
            output.Write(_buffer.WrittenSpan);
            output.Flush();
        }
        finally
        {
            _buffer.ResetWrittenCount();
        }
    }

    private void AddText(ReceivedCommand command)
    {
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"{command.EnqueuedTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} ");
        line.Append(CultureInfo.InvariantCulture, $"{command.SequenceNumber} {MessageText.Of(command.MessageId)}");
        if (command.DeliveryCount > 0)
            line.Append(CultureInfo.InvariantCulture, $" (given back {command.DeliveryCount} times)");
        foreach (var (name, value) in command.Properties)
            line.Append(CultureInfo.InvariantCulture, $" {name}={MessageText.Of(value)}");
        line.Append(' ').Append(MessageText.OfBody(command.Body.Span));
        _buffer.Write(Encoding.UTF8.GetBytes(line.ToString()));
    }

    private void AddJson(ReceivedCommand command)
    {
        var writer = _json.Begin(_buffer);
        _json.WriteIfPresent("messageId", command.MessageId);
        _json.WriteIfPresent("correlationId", command.CorrelationId);
        writer.WriteNumber("sequenceNumber", command.SequenceNumber);
        writer.WriteString("enqueuedTime", command.EnqueuedTime);
        writer.WriteNumber("deliveryCount", command.DeliveryCount);
        writer.WriteString("lockToken", command.LockToken);
        if (command.ExpiresAt is { } expiresAt)
            writer.WriteString("expiresAt", expiresAt);
        _json.WriteIfPresent("to", command.To);
        _json.WriteIfPresent("contentType", command.ContentType);
        _json.WriteIfPresent("contentEncoding", command.ContentEncoding);
        _json.WriteMap("properties", command.Properties);
        _json.WriteBody(command.Body);
        _json.End();
    }

    private void AddText(CommandFeedback feedback)
    {
        var source = feedback.ModuleId is { } module ? $"{feedback.DeviceId}/{module}" : feedback.DeviceId;
        var id = MessageText.Of(feedback.MessageId);
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{feedback.Time:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {source} {MessageText.Of(feedback.Status)} {id}");
        _buffer.Write(Encoding.UTF8.GetBytes(line));
    }

    // The names are those of the record on the wire.
    private void AddJson(CommandFeedback feedback)
    {
        var writer = _json.Begin(_buffer);
        writer.WriteString("originalMessageId", feedback.MessageId);
        writer.WriteString("statusCode", feedback.Status);
        writer.WriteString("deviceId", feedback.DeviceId);
        _json.WriteIfPresent("moduleId", feedback.ModuleId);
        _json.WriteIfPresent("deviceGenerationId", feedback.DeviceGenerationId);
        writer.WriteString("enqueuedTimeUtc", feedback.Time);
        _json.End();
    }
}
