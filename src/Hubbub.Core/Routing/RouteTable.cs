using Hubbub.Core.Routing.Query;

namespace Hubbub.Core.Routing;

/// <summary>
/// All routes of telemetry, compiled: which endpoints a message goes to. Endpoint 0 is the built-in one, the others
/// follow as the configuration lists them; a set of endpoints is a word with a bit for each. Immutable.
/// </summary>
public sealed class RouteTable
{
    private const ulong BuiltInSet = 1;

    private readonly RouteProgram _program;
    private readonly MessageParts _parts;
    private readonly bool _dependsOnSender;
    private readonly ulong[] _sets;
    private readonly ulong _fallback;

    private RouteTable(RoutingConfiguration configuration, RouteProgram program, ulong[] sets, ulong fallback)
    {
        (Configuration, _program, _sets, _fallback) = (configuration, program, sets, fallback);
        _parts = program.Parts;
        _dependsOnSender = program.DependsOnSender;
        HasRoutes = configuration.Routes.Any(static r => r.Source == RouteSource.DeviceMessages);
    }

    public RoutingConfiguration Configuration { get; }

    /// <summary>False: every message goes to the built-in endpoint, and nothing has to be looked at.</summary>
    public bool HasRoutes { get; }

    /// <summary>Compiles a configuration that <see cref="RoutingRules"/> have checked.</summary>
    /// <returns>The table, or ArgumentInvalid that names the route and the place in its condition.</returns>
    public static HubResult<RouteTable> Compile(RoutingConfiguration configuration)
    {
        var conditions = new List<Condition>();
        var sets = new List<ulong>();
        foreach (var route in configuration.Routes)
        {
            var (condition, errors) = Condition.Parse(route.Condition, route.Source);
            if (condition is null)
                return ConditionRefused(route, errors[0]);
            if (!route.IsEnabled || route.Source != RouteSource.DeviceMessages)
                continue;
            conditions.Add(condition);
            sets.Add(SetOf(configuration, route.Endpoint));
        }
        var fallback = configuration.Fallback.IsEnabled ? SetOf(configuration, configuration.Fallback.Endpoint) : 0;
        return new RouteTable(configuration, new RouteProgram(conditions), [.. sets], fallback);
    }

    /// <summary>The endpoints that a message goes to; 0 when nobody wants it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="memo">The memo of the message's sender.</param>
    public ulong Match<TMessage>(scoped ref TMessage message, RouteMemo memo)
        where TMessage : struct, IMessageView, allows ref struct
    {
        if (!HasRoutes)
            return BuiltInSet;
        if ((_parts & MessageParts.Unrepeatable) != 0)
            return Evaluate(ref message);
        if (!_dependsOnSender)
            return MatchAnySender(ref message);
        if (memo.TryFind(this, _parts, ref message, out var set))
            return set;
        set = Evaluate(ref message);
        memo.Set(this, _parts, ref message, set);
        return set;
    }

    private ulong MatchAnySender<TMessage>(scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var cache = RouteCache.Current;
        if (cache.TryFind(this, _parts, ref message, out var set))
            return set;
        set = Evaluate(ref message);
        cache.Set(this, _parts, ref message, set);
        return set;
    }

    private ulong Evaluate<TMessage>(scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var evaluator = RouteEvaluator.For(_program);
        evaluator.Match(ref message);
        var set = evaluator.Union(_sets);
        return set == 0 ? _fallback : set;
    }

    private static ulong SetOf(RoutingConfiguration configuration, string endpoint)
    {
        if (endpoint.Equals(RouteEndpoint.BuiltIn, StringComparison.OrdinalIgnoreCase))
            return BuiltInSet;
        for (var i = 0; i < configuration.Endpoints.Length; i++)
        {
            if (configuration.Endpoints[i].Name.Equals(endpoint, StringComparison.OrdinalIgnoreCase))
                return 1UL << (i + 1);
        }
        throw new ArgumentException($"There is no endpoint '{endpoint}'.", nameof(endpoint));
    }

    private static HubError ConditionRefused(Route route, ConditionError error) => new(
        HubErrorCode.ArgumentInvalid,
        $"The condition of route '{route.Name}' is not understood at line {error.Start.Line}, column "
        + $"{error.Start.Column}: {error.Message}");
}
