using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Hubbub.Cli;

/// <summary>Parts of messages as text on one line of a terminal.</summary>
internal static class MessageText
{
    /// <summary>A property's value.</summary>
    public static string Of(object? value) => OnOneLine(RawOf(value));

    /// <summary>A body: its text, or how long it is.</summary>
    public static string OfBody(ReadOnlySpan<byte> body) =>
        Utf8.IsValid(body) ? OnOneLine(Encoding.UTF8.GetString(body)) : $"({body.Length} bytes)";

    /// <summary>Properties and a body, each behind a space.</summary>
    public static string OfContent(IReadOnlyDictionary<string, object?> properties, ReadOnlySpan<byte> body)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in properties)
            text.Append(CultureInfo.InvariantCulture, $" {name}={Of(value)}");
        return text.Append(' ').Append(OfBody(body)).ToString();
    }

    /// <summary>A device, or a module of one.</summary>
    public static string OfSource(string? deviceId, string? moduleId) =>
        moduleId is null ? deviceId ?? "-" : $"{deviceId}/{moduleId}";

    /// <summary>A property's value, control characters and all.</summary>
    public static string RawOf(object? value) => value switch
    {
        null => "",
        byte[] bytes => Convert.ToHexString(bytes),
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    // A device's text must not move the terminal's cursor, let alone more.
    private static string OnOneLine(string text)
    {
        if (!text.Any(char.IsControl))
            return text;
        return string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
                to[i] = char.IsControl(from[i]) ? ' ' : from[i];
        });
    }
}
