namespace Hubbub.Core.Identities;

/// <summary>The condition of a change: the record's ETag must be this one, or may be any.</summary>
public readonly record struct IfMatch
{
    private readonly string? _tag;

    private IfMatch(string tag) => _tag = tag;

    /// <summary>Any version of an existing record.</summary>
    public static IfMatch Any => default;

    /// <summary>
    /// Reads the value of an If-Match header: <c>"tag"</c>, <c>tag</c>, <c>W/"tag"</c>, <c>*</c> or <c>"*"</c>;
    /// clients send all of them.
    /// </summary>
    public static IfMatch Parse(string header)
    {
        var tag = header.AsSpan().Trim();
        if (tag.StartsWith("W/", StringComparison.OrdinalIgnoreCase))
            tag = tag[2..];
        if (tag.Length >= 2 && tag[0] == '"' && tag[^1] == '"')
            tag = tag[1..^1];
        return tag is "*" ? Any : new IfMatch(tag.ToString());
    }

    /// <summary>True for a text that can be an ETag: visible ASCII without quotes, of a reasonable length.</summary>
    public static bool IsTag(string? text) =>
        text is { Length: > 0 and <= IdentityLimits.ETagLengthMax } and not "*"
        && !text.AsSpan().ContainsAnyExceptInRange('!', '~') && !text.Contains('"', StringComparison.Ordinal);

    public bool Matches(string etag) => _tag is null || string.Equals(_tag, etag, StringComparison.Ordinal);

    public override string ToString() => _tag ?? "*";
}
