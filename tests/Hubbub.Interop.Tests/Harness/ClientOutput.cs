using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>What a client script printed, in order.</summary>
internal sealed class ClientOutput(IReadOnlyList<JsonElement> lines, string errors)
{
    private const int ShownLinesMax = 40;
    private const int ShownCharactersMax = 400;
    private const int ShownErrorsMax = 4000;

    public IReadOnlyList<JsonElement> Lines { get; } = lines;

    public JsonElement[] Of(string name) => [.. Lines.Where(line => line.Event() == name)];

    /// <summary>The one line of that event; anything else fails the test and shows the whole output.</summary>
    public JsonElement One(string name)
    {
        var found = Of(name);
        Assert.True(found.Length == 1, $"expected one \"{name}\" line, got {found.Length}: {this}");
        return found[0];
    }

    /// <summary>Fails the test when the client met any refusal or loss.</summary>
    public ClientOutput WithoutErrors()
    {
        Assert.True(Of("error").Length == 0 && Of("disconnected").Length == 0 && Of("late").Length == 0, ToString());
        return this;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var line in Lines.Take(ShownLinesMax)) text.AppendLine(Cut(line.GetRawText(), ShownCharactersMax));
        if (Lines.Count > ShownLinesMax)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"... and {Lines.Count - ShownLinesMax} more, the last:");
            text.AppendLine(Cut(Lines[^1].GetRawText(), ShownCharactersMax));
        }
        if (errors.Length > 0) text.AppendLine("standard error:").AppendLine(Cut(errors, ShownErrorsMax));
        return text.ToString();
    }

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length] + "...";
}

/// <summary>Short words for reading a script's lines.</summary>
internal static class ClientLine
{
    public static string? Event(this JsonElement line) => line.Text("event");

    /// <summary>A field as text; null when it is absent or null.</summary>
    public static string? Text(this JsonElement line, string name) =>
        !line.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null : value.ToString();

    /// <summary>A field of an object within the line, as text.</summary>
    public static string? Of(this JsonElement line, string map, string name) => line.GetProperty(map).Text(name);

    public static long Number(this JsonElement line, string name) => line.GetProperty(name).GetInt64();
}
