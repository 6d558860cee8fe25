using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Hubbub.Cli;

/// <summary>What verbs print: a line of JSON, or a table for people that programs get as tab-separated lines.</summary>
internal static class Output
{
    /// <summary>Keys are full of plus signs, and texts of quotes; they need no escape outside of HTML.</summary>
    public static readonly JsonSerializerOptions ReadableJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

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
}
