namespace Hubbub.Cli.Doctor;

/// <summary>How a check ended.</summary>
internal enum FindingLevel
{
    Ok,
    Warning,
    Problem,
}

/// <summary>What one check found.</summary>
/// <param name="Subject">What was looked at, in a word or two.</param>
/// <param name="Text">What was found, as a sentence.</param>
/// <param name="Remedy">What to do, as a sentence; null when all is well.</param>
internal sealed record Finding(FindingLevel Level, string Subject, string Text, string? Remedy = null)
{
    public static Finding Ok(string subject, string text) => new(FindingLevel.Ok, subject, text);

    public static Finding Warning(string subject, string text, string remedy) =>
        new(FindingLevel.Warning, subject, text, remedy);

    public static Finding Problem(string subject, string text, string remedy) =>
        new(FindingLevel.Problem, subject, text, remedy);
}
