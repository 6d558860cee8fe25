using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Spectre.Console;

namespace Hubbub.Cli;

/// <summary>What verbs print: a line of JSON, or a table for people that programs get as tab-separated lines.</summary>
internal static class Output
{
    /// <summary>Keys are full of plus signs, and texts of quotes; they need no escape outside of HTML.</summary>
    public static readonly JsonSerializerOptions ReadableJson =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const int StandardOutputHandle = 1;

    /// <summary>One object, one line.</summary>
    public static void JsonLine(JsonElement json)
    {
        using var buffer = new MemoryStream();
        var options = new JsonWriterOptions { Encoder = ReadableJson.Encoder };
        using (var writer = new Utf8JsonWriter(buffer, options))
            json.WriteTo(writer);
        Console.Out.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    public static void Table(IReadOnlyList<string> headings, IEnumerable<string[]> rows)
    {
        if (Console.IsOutputRedirected)
        {
            foreach (var row in rows)
                Console.Out.WriteLine(string.Join('\t', row));
            return;
        }
        var table = new Table { Border = TableBorder.Simple };
        foreach (var heading in headings)
            table.AddColumn(heading);
        foreach (var row in rows)
            table.AddRow(row.Select(Markup.Escape).ToArray());
        AnsiConsole.Write(table);
    }

    /// <summary>Text of a member that may be absent or null.</summary>
    public static string TextOf(JsonElement json, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(name, out json))
                return "";
        }
        return json.ValueKind switch
        {
            JsonValueKind.String => json.GetString()!,
            JsonValueKind.Null => "",
            _ => json.GetRawText(),
        };
    }

    /// <summary>
    /// Console's own stream hides that its reader is gone; this one says so, and the verb then ends. A regular file has
    /// no reader, and its position belongs to all who write to it, so there the console's stream is right.
    /// </summary>
    public static Stream OpenStream()
    {
        var handle = new SafeFileHandle(StandardOutputHandle, ownsHandle: false);
        var output = new FileStream(handle, FileAccess.Write, bufferSize: 0);
        if (!output.CanSeek)
            return output;
        output.Dispose();
        return Console.OpenStandardOutput();
    }
}
