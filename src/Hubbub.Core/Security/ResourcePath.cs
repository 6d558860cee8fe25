using Hubbub.Core.Identities;

namespace Hubbub.Core.Security;

/// <summary>
/// The resource of a token, decoded once and taken apart: <c>[scheme://]host[:port][/segment]...</c>. The host must be
/// one of the hub's; what is left is compared by whole segments.
/// </summary>
internal readonly ref struct ResourcePath
{
    private const string Devices = "devices";
    private const string Modules = "modules";
    private const string Twins = "twins";
    private static readonly string[] Schemes = ["amqps://", "sb://", "https://", "amqp://", "http://", "wss://"];

    private ResourcePath(ReadOnlySpan<char> path) => Path = path;

    /// <summary>The segments below the host, joined by single slashes, without one at either end.</summary>
    public ReadOnlySpan<char> Path { get; }

    /// <summary>Reads the <c>sr</c> of a token.</summary>
    /// <param name="raw">The field as sent.</param>
    /// <param name="buffer">At least as long as the field; the path points into it.</param>
    /// <param name="hub">Whose host names are accepted.</param>
    /// <param name="path">The path, when null is returned.</param>
    /// <returns>What is wrong with the resource, or null.</returns>
    public static string? Parse(ReadOnlySpan<char> raw, Span<char> buffer, HubIdentity hub, out ResourcePath path)
    {
        path = default;
        return PercentEncoding.TryDecode(raw, buffer, out var length)
            ? Parse(buffer[..length], hub, out path)
            : "it holds an escaped control character or character beyond ASCII";
    }

    /// <summary>
    /// Reads the <c>sr</c> of a client that escapes nothing; false when that cannot be, or makes no difference.
    /// </summary>
    public static bool ParseUnescaped(ReadOnlySpan<char> raw, HubIdentity hub, out ResourcePath path)
    {
        path = default;
        return raw.Contains('%') && Parse(raw, hub, out path) is null;
    }

    private static string? Parse(ReadOnlySpan<char> text, HubIdentity hub, out ResourcePath path)
    {
        path = default;
        foreach (var scheme in Schemes)
        {
            if (text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
            {
                text = text[scheme.Length..];
                break;
            }
        }
        var slash = text.IndexOf('/');
        var host = WithoutPort(slash < 0 ? text : text[..slash]);
        if (!hub.IsHost(host))
            return "its host is not one of this hub's host names";
        var segments = slash < 0 ? default : text[(slash + 1)..];
        if (segments.EndsWith("/")) // `host/` and `host/devices/x/` are spellings of the same without the slash.
            segments = segments[..^1];
        if (!IsPlain(segments))
            return "it holds an empty or relative path segment";
        path = new ResourcePath(segments);
        return null;
    }

    /// <summary>Splits <c>devices/{id}[/modules/{id}][/rest]</c>; false when the path is not of that form.</summary>
    public bool TrySplitIdentity(
        out ReadOnlySpan<char> deviceId, out ReadOnlySpan<char> moduleId, out ReadOnlySpan<char> rest)
    {
        rest = Path;
        deviceId = moduleId = default;
        if (!TakeSegment(ref rest).Equals(Devices, StringComparison.OrdinalIgnoreCase) || rest.IsEmpty)
            return false;
        deviceId = TakeSegment(ref rest);
        var below = rest;
        if (TakeSegment(ref below).Equals(Modules, StringComparison.OrdinalIgnoreCase) && !below.IsEmpty)
        {
            moduleId = TakeSegment(ref below);
            rest = below;
        }
        return true;
    }

    /// <summary>
    /// True when <paramref name="path"/> is <paramref name="scope"/> or lies below it, by whole segments. Ids are
    /// compared ordinally, every other segment ignoring case.
    /// </summary>
    public static bool Covers(ReadOnlySpan<char> scope, ReadOnlySpan<char> path)
    {
        var isId = false;
        while (!scope.IsEmpty)
        {
            if (path.IsEmpty)
                return false;
            var expected = TakeSegment(ref scope);
            var actual = TakeSegment(ref path);
            if (!actual.Equals(expected, isId ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase))
                return false;
            isId = expected.Equals(Devices, StringComparison.OrdinalIgnoreCase)
                || expected.Equals(Modules, StringComparison.OrdinalIgnoreCase)
                || expected.Equals(Twins, StringComparison.OrdinalIgnoreCase);
        }
        return true;
    }

    /// <summary>Cuts the first segment off <paramref name="path"/> and returns it.</summary>
    public static ReadOnlySpan<char> TakeSegment(scoped ref ReadOnlySpan<char> path)
    {
        var slash = path.IndexOf('/');
        var segment = slash < 0 ? path : path[..slash];
        path = slash < 0 ? default : path[(slash + 1)..];
        return segment;
    }

    private static ReadOnlySpan<char> WithoutPort(ReadOnlySpan<char> authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon > 0 && colon < authority.Length - 1
            && authority.IndexOf(':') == colon // An IPv6 address without brackets has several.
            && !authority[(colon + 1)..].ContainsAnyExceptInRange('0', '9')
            ? authority[..colon]
            : authority;
    }

    private static bool IsPlain(ReadOnlySpan<char> segments)
    {
        if (segments.IsEmpty)
            return true;
        foreach (var range in segments.Split('/'))
        {
            if (segments[range] is "" or "." or "..")
                return false;
        }
        return true;
    }
}
