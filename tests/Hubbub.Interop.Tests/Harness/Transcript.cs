using System.Text.RegularExpressions;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>The commands of a page, each with the output that the page shows.</summary>
internal static class Transcript
{
    private const string Anything = "…";

    /// <summary>One command; no lines of output when the page does not say.</summary>
    public sealed record Step(string Command, IReadOnlyList<string> Output);

    /// <summary>The <c>console</c> blocks: "$ " before a command, what it prints below.</summary>
    public static List<Step> OfConsoleBlocks(string page)
    {
        List<Step> steps = [];
        var isInside = false;
        foreach (var line in page.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
                isInside = line == "```console";
            else if (isInside && line.StartsWith("$ ", StringComparison.Ordinal))
                steps.Add(new Step(line[2..], new List<string>()));
            else if (isInside)
                ((List<string>)steps[^1].Output).Add(line);
        }
        return steps;
    }

    /// <summary>The indented blocks: a command a line.</summary>
    public static List<Step> OfIndentedBlocks(string page) =>
        [.. page.Split('\n').Where(line => line.StartsWith("    ", StringComparison.Ordinal)).Select(line => new Step(line.Trim(), []))];

    /// <summary>True when the text is what the page shows; "…" is anything, also any lines when it has a line of its own.</summary>
    public static bool Matches(IReadOnlyList<string> shown, string text)
    {
        var pattern = string.Concat(shown.Select(line =>
            line == Anything ? @"(?:.*\n)*?" : $"{Regex.Escape(line).Replace(Anything, ".*", StringComparison.Ordinal)}\n"));
        return Regex.IsMatch(text.TrimEnd('\n') + "\n", $@"\A{pattern}\z", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
    }
}
