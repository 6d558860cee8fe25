using Hubbub.Core.Identities;

namespace Hubbub.Server.Http;

/// <summary>
/// Which device or module a path means. Most clients escape an id once, some twice and some not at all, and a percent
/// sign is legal in one: where what was escaped once is not registered and another reading is, that one is meant.
/// </summary>
internal static class IdentityPath
{
    /// <summary>The header of a client that has escaped its ids once: no other reading of them is tried.</summary>
    public const string ExactHeader = "Hubbub-Exact-Ids";

    /// <summary>The path's segments with the ids that are meant.</summary>
    /// <param name="route">Tells which segments are ids.</param>
    /// <param name="target">The path.</param>
    /// <param name="registry">Knows the ids.</param>
    /// <param name="isCreation">True when the last id is a new one: it is taken as it was escaped once.</param>
    public static IReadOnlyList<string> Resolve(
        ApiRoute route, RequestTarget target, IdentityRegistry registry, bool isCreation)
    {
        string[]? resolved = null;
        string? deviceId = null;
        for (var i = 0; i < route.Segments.Length; i++)
        {
            var isDevice = route.Segments[i] == "{deviceId}";
            if (!isDevice && route.Segments[i] != "{moduleId}")
                continue;
            var meant = target.Segments[i];
            var isLast = i == route.Segments.Length - 1;
            if (meant.Contains('%', StringComparison.Ordinal) || meant != target.AsWritten[i])
                meant = isCreation && isLast ? meant : Meant(target, i, isDevice ? null : deviceId, registry);
            if (isDevice)
                deviceId = meant;
            if (meant != target.Segments[i])
                (resolved ??= [.. target.Segments])[i] = meant;
        }
        return resolved ?? target.Segments;
    }

    private static string Meant(RequestTarget target, int index, string? deviceId, IdentityRegistry registry)
    {
        var once = target.Segments[index];
        if (IsRegistered(once))
            return once;
        var twice = Uri.UnescapeDataString(once);
        if (IsRegistered(twice))
            return twice;
        return IsRegistered(target.AsWritten[index]) ? target.AsWritten[index] : once;

        bool IsRegistered(string id) => deviceId is null
            ? registry.FindDevice(id) is not null
            : registry.FindModule(deviceId, id) is not null;
    }
}
