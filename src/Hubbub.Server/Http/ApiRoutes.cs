namespace Hubbub.Server.Http;

/// <summary>The table of operations. Words of a path are compared ignoring case, ids are taken as they are.</summary>
internal sealed class ApiRoutes
{
    private readonly ApiRoute[] _routes;
    private readonly HashSet<string> _roots;

    public ApiRoutes(IEnumerable<ApiRoute> routes)
    {
        // A word is a better match than an id: POST /devices/query is no device.
        _routes = [.. routes.OrderBy(r => r.Segments.Count(ApiRoute.IsParameter))];
        _roots = new HashSet<string>(_routes.Select(r => r.Segments[0]), StringComparer.OrdinalIgnoreCase);
    }

    public IReadOnlyList<ApiRoute> All => _routes;

    /// <summary>True for a first segment that some operation has.</summary>
    public bool IsRoot(string segment) => _roots.Contains(segment);

    /// <summary>The operation; null when there is none for that path and method.</summary>
    /// <param name="method">The HTTP method.</param>
    /// <param name="path">The decoded segments.</param>
    /// <param name="allowed">
    /// The methods that the path has, as the Allow header lists them; empty: no such path.
    /// </param>
    public ApiRoute? Find(string method, IReadOnlyList<string> path, out string allowed)
    {
        allowed = "";
        var methods = new List<string>();
        foreach (var route in _routes)
        {
            if (!IsMatch(route.Segments, path))
                continue;
            if (route.Method == method)
                return route;
            methods.Add(route.Method);
        }
        allowed = string.Join(", ", methods.Distinct());
        return null;
    }

    private static bool IsMatch(string[] template, IReadOnlyList<string> path)
    {
        if (template.Length != path.Count)
            return false;
        for (var i = 0; i < template.Length; i++)
        {
            if (!ApiRoute.IsParameter(template[i])
                && !template[i].Equals(path[i], StringComparison.OrdinalIgnoreCase))
                return false;
        }
        return true;
    }
}
