namespace Hubbub.Cli;

/// <summary>A name as a segment of a request's path.</summary>
internal static class PathSegment
{
    /// <summary>
    /// The escaped name. What the hub would read as no segment, another or more than one is refused here, so that a
    /// verb never reaches another thing than the one that was named.
    /// </summary>
    /// <param name="name">As it was given.</param>
    /// <param name="what">What it should name, with its article: "a policy".</param>
    public static string Of(string name, string what) =>
        name is "" or "." or ".." || name.Contains('/', StringComparison.Ordinal) || name.Any(char.IsControl)
            ? throw new CommandFailedException($"'{name}' cannot be the name of {what}.")
            : Uri.EscapeDataString(name);
}
