using System.Diagnostics.CodeAnalysis;

namespace Hubbub.Server.Http;

/// <summary>
/// The path and query of a request, read from the target as it was sent: percent signs, number signs and dots are legal
/// in ids, so nothing may normalise the path before its segments are known, and each is decoded exactly once.
/// </summary>
internal sealed class RequestTarget
{
    private readonly Dictionary<string, string> _query;

    private RequestTarget(
        IReadOnlyList<string> segments, IReadOnlyList<string> asWritten, Dictionary<string, string> query) =>
        (Segments, AsWritten, _query) = (segments, asWritten, query);

    /// <summary>The decoded segments; a trailing slash makes none.</summary>
    public IReadOnlyList<string> Segments { get; }

    /// <summary>The same segments as they were sent: some tools do not escape ids.</summary>
    public IReadOnlyList<string> AsWritten { get; }

    /// <summary>The decoded segments joined.</summary>
    public string Path => string.Join('/', Segments);

    /// <summary>A parameter of the query, its name compared ignoring case; null when it is absent.</summary>
    public string? Query(string name) => _query.GetValueOrDefault(name);

    /// <summary>Takes a raw target apart; false when a segment is empty, relative, or not decodable.</summary>
    public static bool TryParse(string rawTarget, [NotNullWhen(true)] out RequestTarget? target)
    {
        target = null;
        // The absolute form of a target, as sent to proxies, names the host again.
        var authority = rawTarget.StartsWith('/') ? -1 : rawTarget.IndexOf("://", StringComparison.Ordinal);
        var path = authority < 0 ? rawTarget : AfterAuthority(rawTarget[(authority + 3)..]);
        var question = path.IndexOf('?', StringComparison.Ordinal);
        var query = question < 0 ? "" : path[(question + 1)..];
        path = question < 0 ? path : path[..question];
        // No id holds a slash, so an escaped one separates too: some tools escape the whole path as one segment.
        path = path.Replace("%2f", "/", StringComparison.OrdinalIgnoreCase).Trim('/');
        var raw = path.Length == 0 ? [] : path.Split('/');
        if (raw.Length > ApiLimits.PathSegmentsMax)
            return false;
        var segments = new string[raw.Length];
        for (var i = 0; i < raw.Length; i++)
        {
            segments[i] = Uri.UnescapeDataString(raw[i]);
            if (segments[i] is "" or "." or ".." || segments[i].Any(char.IsControl))
                return false;
        }
        target = new RequestTarget(segments, raw, ParseQuery(query));
        return true;
    }

    private static string AfterAuthority(string rest)
    {
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? "/" : rest[slash..];
    }

    private static Dictionary<string, string> ParseQuery(string query)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            values.TryAdd(Uri.UnescapeDataString(parts[0]), parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "");
        }
        return values;
    }
}
