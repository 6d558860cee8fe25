using System.Buffers;
using System.Globalization;
using System.Text;
using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>Events as lines of text, for people or as JSON; collected until they are written out.</summary>
internal sealed class EventLines(bool json) : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly MessageJson _json = new();

    /// <summary>Bytes collected.</summary>
    public int Length => _buffer.WrittenCount;

    public void Add(ReceivedEvent received)
    {
        if (json)
            AddJson(received);
        else
            AddText(received);
        _buffer.Write("\n"u8);
    }

    /// <exception cref="IOException">Nobody reads any more.</exception>
    public void WriteTo(Stream output)
    {
        if (_buffer.WrittenCount == 0)
            return;
        try
        {
            output.Write(_buffer.WrittenSpan);
        }
        finally
        {
            _buffer.ResetWrittenCount();
        }
    }

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

    public void Dispose() => _json.Dispose();

    private void AddText(ReceivedEvent received)
    {
        var source = received.ModuleId is { } module ? $"{received.DeviceId}/{module}" : received.DeviceId ?? "-";
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"{received.EnqueuedTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} ");
        line.Append(CultureInfo.InvariantCulture, $"{received.PartitionId}/{received.SequenceNumber} {source}");
        foreach (var (name, value) in received.Properties)
            line.Append(CultureInfo.InvariantCulture, $" {name}={MessageText.Of(value)}");
        line.Append(' ').Append(MessageText.OfBody(received.Body.Span));
        _buffer.Write(Encoding.UTF8.GetBytes(line.ToString()));
    }

    private void AddJson(ReceivedEvent received)
    {
        var writer = _json.Begin(_buffer);
        writer.WriteString("partition", received.PartitionId);
        writer.WriteNumber("sequenceNumber", received.SequenceNumber);
        writer.WriteString("offset", received.Offset);
        writer.WriteString("enqueuedTime", received.EnqueuedTime);
        writer.WriteString("deviceId", received.DeviceId);
        _json.WriteIfPresent("moduleId", received.ModuleId);
        _json.WriteMap("properties", received.Properties);
        _json.WriteMap("systemProperties", received.SystemProperties);
        _json.WriteIfPresent("messageId", received.MessageId);
        _json.WriteIfPresent("correlationId", received.CorrelationId);
        _json.WriteIfPresent("contentType", received.ContentType);
        _json.WriteIfPresent("contentEncoding", received.ContentEncoding);
        _json.WriteBody(received.Body);
        _json.End();
    }
}
