using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>Events as lines of text, for people or as JSON; collected until they are written out.</summary>
internal sealed class EventLines(bool json) : IDisposable
{
    private readonly LineBuffer _lines = new();

    /// <summary>Bytes collected.</summary>
    public int Length => _lines.Length;

    public void Add(ReceivedEvent received)
    {
        if (json)
            AddJson(received);
        else
            AddText(received);
    }

    /// <exception cref="IOException">Nobody reads any more.</exception>
    public void WriteTo(Stream output) => _lines.WriteTo(output);

    /// <summary>Writes what is left, if somebody still reads.</summary>
    public void TryWriteTo(Stream output)
    {
        try
        {
            WriteTo(output);
        }
        catch (IOException)
        {
            // The reader has seen enough.
        }
    }

    public void Dispose() => _lines.Dispose();

    private void AddText(ReceivedEvent received)
    {
        var source = MessageText.OfSource(received.DeviceId, received.ModuleId);
        var content = MessageText.OfContent(received.Properties, received.Body.Span);
        _lines.AddText(
            received.EnqueuedTime, $"{received.PartitionId}/{received.SequenceNumber} {source}{content}");
    }

    private void AddJson(ReceivedEvent received)
    {
        var (writer, message) = (_lines.BeginJson(), _lines.Json);
        writer.WriteString("partition", received.PartitionId);
        writer.WriteNumber("sequenceNumber", received.SequenceNumber);
        writer.WriteString("offset", received.Offset);
        writer.WriteString("enqueuedTime", received.EnqueuedTime);
        writer.WriteString("deviceId", received.DeviceId);
        message.WriteIfPresent("moduleId", received.ModuleId);
        message.WriteMap("properties", received.Properties);
        message.WriteMap("systemProperties", received.SystemProperties);
        message.WriteIfPresent("messageId", received.MessageId);
        message.WriteIfPresent("correlationId", received.CorrelationId);
        message.WriteIfPresent("contentType", received.ContentType);
        message.WriteIfPresent("contentEncoding", received.ContentEncoding);
        message.WriteBody(received.Body);
        _lines.EndJson();
    }
}
