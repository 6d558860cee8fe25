using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hubbub.Cli;

/// <summary>Lines for standard output, collected until they are written out.</summary>
internal sealed class LineBuffer : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Bytes collected.</summary>
    public int Length => _buffer.WrittenCount;

    /// <summary>The parts of a line that is a JSON object.</summary>
    public MessageJson Json { get; } = new();

    /// <summary>Begins a line that is a JSON object; <see cref="EndJson"/> completes it.</summary>
    public Utf8JsonWriter BeginJson() => Json.Begin(_buffer);

    public void EndJson()
    {
        Json.End();
        _buffer.Write("\n"u8);
    }

    /// <summary>Adds a line of text: a time, and what is said of it.</summary>
    public void AddText(DateTimeOffset time, string text)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{time:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {text}\n");
        _buffer.Write(Encoding.UTF8.GetBytes(line));
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

    public void Dispose() => Json.Dispose();
}
