using System.Globalization;

namespace Hubbub.Storage.Files;

/// <summary>
/// Names of rotating files: <c>{prefix}-{UTC time}-{number}{extension}</c>, and <c>.part</c> behind it until it is
/// done. They sort by time, and one prefix is never taken for another that it begins with.
/// </summary>
/// <param name="prefix">Letters, digits, dots, underscores and hyphens.</param>
/// <param name="extension">With its dot.</param>
public sealed class RotatingFileName(string prefix, string extension)
{
    private const string PartSuffix = ".part";
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const int TimeLength = 16;
    private const int DigitsMin = 12;

    public string Unfinished(DateTimeOffset time, long number)
    {
        var utc = time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"{prefix}-{utc}-{number:d12}{extension}{PartSuffix}");
    }

    /// <summary>The name that an unfinished file gets when it is done.</summary>
    public static string Finished(string unfinished) => unfinished[..^PartSuffix.Length];

    /// <summary>True for an unfinished file of this prefix and extension.</summary>
    public bool IsUnfinished(string name) => TryParse(name, out _);

    /// <summary>When an unfinished file was begun.</summary>
    public DateTimeOffset TimeOf(string name) =>
        TryParse(name, out var time) ? time : throw new ArgumentException("Not an unfinished file.", nameof(name));

    private bool TryParse(string name, out DateTimeOffset time)
    {
        time = default;
        var suffix = extension + PartSuffix;
        if (!name.StartsWith(prefix, StringComparison.Ordinal) || !name.EndsWith(suffix, StringComparison.Ordinal))
            return false;
        var middle = name.AsSpan(prefix.Length, Math.Max(0, name.Length - prefix.Length - suffix.Length));
        return middle.Length >= TimeLength + DigitsMin + 2 && middle[0] == '-' && middle[TimeLength + 1] == '-'
            && !middle[(TimeLength + 2)..].ContainsAnyExceptInRange('0', '9')
            && DateTimeOffset.TryParseExact(
                middle.Slice(1, TimeLength), TimeFormat, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal, out time);
    }
}
